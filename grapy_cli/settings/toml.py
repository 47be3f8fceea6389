"""Write settings as TOML, for run folders and `--show-settings`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grapy_cli.settings.sections import Section
from grapy_cli.settings.settings import Settings


def to_toml(settings: Settings, origins: Mapping[str, str] | None = None) -> str:
    """Write settings in the format of a `--config` file.

    An unset value has no line, because TOML has no null.

    Args:
        origins: Origin of each value by dotted path, written as a comment after it; unset values
            then get a comment as well.
    """
    return "\n".join(_section_lines(settings, "", origins)).strip() + "\n"


def _section_lines(section: Section, path: str, origins: Mapping[str, str] | None) -> Iterator[str]:
    values = {name: getattr(section, name) for name in type(section).model_fields}
    nested = {name: value for name, value in values.items() if isinstance(value, Section)}
    if path:
        yield from ("", f"[{path}]")
    prefix = f"{path}." if path else ""
    for name in [name for name in values if name not in nested]:
        yield from _value_lines(name, values[name], origins[prefix + name] if origins else None)
    for name, inner in nested.items():
        yield from _section_lines(inner, prefix + name, origins)


def _value_lines(name: str, value: Any, origin: str | None) -> Iterator[str]:  # noqa: ANN401
    if value is None:
        if origin:
            yield f"# {name} is unset"
        return
    comment = f"  # {origin}" if origin else ""
    yield f"{name} = {_literal(value)}{comment}"


def _literal(value: Any) -> str:  # noqa: ANN401 - any leaf of the tree
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str() | Path():
            # In an ASCII locale Python keeps other characters of a path as raw bytes.
            text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            # A JSON string is a TOML string, except for one control character that JSON allows.
            return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            return f"[{', '.join(_literal(item) for item in value)}]"
