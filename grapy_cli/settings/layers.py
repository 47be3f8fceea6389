"""Merge defaults, stage row, file, environment and options into one tree with origins.

Each layer is a flat table of dotted path to value and origin, so that merging is a union of
dictionaries, and an error can say where the value it complains about was written.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

from grapy_cli.errors import SettingsError
from grapy_cli.safe_text import read_toml
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.stages import stage_rows as rows_of_stage
from grapy_cli.settings.tree import groups, leaves, option_of, read_text

FILE_NAME = "grapy.toml"
RUN_FILE = "settings.toml"
"""The settings file in a run folder."""
RUN_PLACES = ("train.init", "train.out", "train.resume")
ENVIRONMENT_PREFIX = "GRAPY_"


class _Given(NamedTuple):
    value: Any
    origin: str


_Layer = dict[str, _Given]


@dataclass(frozen=True)
class Resolved:
    """The settings tree, and the origin of each value by its dotted path."""

    settings: Settings
    origins: Mapping[str, str]


def resolve(
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] = MappingProxyType({}),
    sets: Sequence[str] = (),
    environ: Mapping[str, str] = MappingProxyType({}),
    stage_rows: bool = False,
    folder: Path | None = None,
) -> Resolved:
    """Merge the layers: defaults < stage row < file < environment < options < `--set`.

    When `grapy train` resumes a run, the settings of that run replace `grapy.toml`.

    Args:
        config: Settings file; without it `grapy.toml` in the folder, if there is one.
        flags: Options by dotted path; None and empty text mean that the option was not given.
        sets: Texts like "train.lr=0.01".
        environ: Environment variables; only those that begin with `GRAPY_` are used.
        stage_rows: Whether the row of the stage table applies, as it does for `grapy train`.
        folder: Folder of `grapy.toml`; by default the working folder.

    Raises:
        SettingsError: If a key is unknown, a file cannot be read or a value cannot be used.
    """
    file = _file_layer(config, folder or Path())
    given = _environment_layer(environ) | _flag_layer(flags) | _set_layer(sets)
    if stage_rows and (resumed := (file | given).get("train.resume")):
        file = _run_layer(Path(str(resumed.value))) | (file if config else {})
    given = file | given
    if stage_rows:
        given = _stage_layer(given) | given
    origins = {path: given[path].origin if path in given else "default" for path in leaves()}
    return Resolved(_validated(given), MappingProxyType(origins))


def overlaid(settings: Settings, file: Path) -> Settings:
    """Merge a file over resolved settings.

    Raises:
        SettingsError: If the file cannot be read or used.
    """
    below = "the settings below it"
    given = {path: _Given(attrgetter(path)(settings), below) for path in leaves()}
    return _validated(given | _file_layer(file, Path()))


def differences(one: Settings, other: Settings) -> dict[str, Any]:
    """Return the values in which `other` differs, by dotted path."""
    pairs = {path: (attrgetter(path)(one), attrgetter(path)(other)) for path in leaves()}
    return {path: theirs for path, (ours, theirs) in pairs.items() if ours != theirs}


def _stage_layer(given: _Layer) -> _Layer:
    stage = _value(given, "train.stage")
    named = _value(given, "data.dataset")
    layer: _Layer = {}
    for row in rows_of_stage(stage, map(str, named) if isinstance(named, list) else ()):
        layer |= dict(_flatten(row.settings, row.origin))
    return layer


def _value(given: _Layer, path: str) -> Any:  # noqa: ANN401 - not yet judged by pydantic
    return given[path].value if path in given else leaves()[path].default


def _file_layer(config: Path | None, folder: Path) -> _Layer:
    path = config or folder / FILE_NAME
    if config is None and not path.is_file():
        return {}
    return dict(_flatten(_read_toml(path), str(path) if config else FILE_NAME))


def _run_layer(run: Path) -> _Layer:
    """Return the settings of a run, without its initial weights and its folder."""
    path = run / RUN_FILE
    try:
        begun = path.is_file()
    except OSError as error:
        raise SettingsError(f"--resume cannot be {run}: {error}") from error
    layer = dict(_flatten(_read_toml(path), str(path))) if begun else {}
    return {key: one for key, one in layer.items() if key not in RUN_PLACES}


def _environment_layer(environ: Mapping[str, str]) -> _Layer:
    known = {ENVIRONMENT_PREFIX + path.replace(".", "__").upper(): path for path in leaves()}
    layer = {}
    for name, text in environ.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or not text:
            continue
        if name not in known:
            raise _unknown(name, known, "the environment")
        layer[known[name]] = _Given(_read(text, known[name]), name)
    return layer


def _flag_layer(flags: Mapping[str, Any]) -> _Layer:
    return {
        path: _Given(_read(value, path), option_of(path))
        for path, value in flags.items()
        if value is not None and value != ""
    }


def _set_layer(sets: Iterable[str]) -> _Layer:
    layer: _Layer = {}
    for text in sets:
        path, equals, value = (part.strip() for part in text.partition("="))
        if not (path and equals and value):
            raise SettingsError(
                f"--set {text} is not of the form KEY=VALUE",
                hint="For example: --set train.lr=0.01.",
            )
        layer.update(_flatten(_nested({path: _set_value(value, text)}), "--set"))
    return layer


def _set_value(value: str, text: str) -> Any:  # noqa: ANN401 - any TOML value
    # Only tables and lists are read as TOML: `--set data.root=2026` stays a folder's name.
    if value[0] not in "[{\"'":
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"--set {text} is not valid TOML: {error}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError as error:
        raise SettingsError(f"the settings file {path} does not exist") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error}") from error


def _flatten(
    table: Mapping[str, Any], origin: str, prefix: str = ""
) -> Iterator[tuple[str, _Given]]:
    for name, value in table.items():
        path = f"{prefix}{name}"
        if path in leaves():
            yield path, _Given(_read(value, path), origin)
        elif path not in groups():
            raise _unknown(path, [*leaves(), *groups()], origin)
        elif not isinstance(value, Mapping):
            raise SettingsError(
                f"{path} is a table of settings, not a single value (from {origin})",
                hint=f"It holds {', '.join(_below(path))}.",
            )
        else:
            yield from _flatten(value, origin, f"{path}.")


def _read(value: Any, path: str) -> Any:  # noqa: ANN401 - pydantic says what it is
    return read_text(value, leaves()[path]) if isinstance(value, str) else value


def _nested(layer: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in layer.items():
        *sections, name = path.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tree


def _validated(given: _Layer) -> Settings:
    try:
        return Settings.model_validate(_nested({path: one.value for path, one in given.items()}))
    except ValidationError as error:
        faults = [(_path_of(fault["loc"]), fault) for fault in error.errors()]
        lines = [
            f"{path}: {_sentence(fault)} (from {given[path].origin})" for path, fault in faults
        ]
        raise SettingsError("\n".join(dict.fromkeys(lines))) from error


def _path_of(location: tuple[int | str, ...]) -> str:
    """Return the leaf at a place in the tree, without positions in lists and tuples."""
    ends = range(len(location), 0, -1)
    paths = (".".join(map(str, location[:end])) for end in ends)
    return next(path for path in paths if path in leaves())


def _sentence(fault: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    # In our tree only a tuple can lack a value, and "Field required" would not say which.
    return "One value too few" if fault["type"] == "missing" else str(fault["msg"])


def _below(group: str) -> list[str]:
    start = f"{group}."
    names = (path.removeprefix(start) for path in leaves() if path.startswith(start))
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _unknown(name: str, known: Iterable[str], origin: str) -> SettingsError:
    names = list(known)
    same_ending = [other for other in names if other.rpartition(".")[2] == name]
    close = same_ending or difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return SettingsError(
        f"there is no setting {name} (from {origin})", hint=f"Did you mean {close[0]}?"
    )
