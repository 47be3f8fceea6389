"""The settings tree as a table: its leaves by dotted path, and how text becomes a value."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from grapy_cli.settings import sections
from grapy_cli.settings.sections import Flag, Section
from grapy_cli.settings.settings import Settings


@cache
def leaves() -> Mapping[str, FieldInfo]:
    """Return every value that can be set, by its dotted path: "train.optimizer.momentum"."""
    return MappingProxyType({path: field for path, _, field in _leaves(Settings)})


@cache
def purposes() -> Mapping[str, str]:
    """Return the purpose of each value by its dotted path: the text under its field.

    Pydantic can read it as well (`use_attribute_docstrings`), but it reads the source again for
    each section: that takes eight times as long at the start of every command.
    """
    texts = dict(_texts(ast.parse(inspect.getsource(sections))))
    places = {path: (kind.__name__, path.rpartition(".")[2]) for path, kind, _ in _leaves(Settings)}
    return MappingProxyType({path: texts.get(place, "") for path, place in places.items()})


@cache
def groups() -> frozenset[str]:
    """Return the dotted paths of all sections, nested ones included."""
    paths = (path.split(".")[:-1] for path in leaves())
    return frozenset(".".join(path[: end + 1]) for path in paths for end in range(len(path)))


def option_of(path: str) -> str:
    """Return the option that sets a leaf: `--batch-size` for "train.batch_size".

    A leaf of a nested section has no option; the result is then the name it would have.
    """
    flags = [known for known in leaves()[path].metadata if isinstance(known, Flag)]
    name = flags[0].name if flags else path.rpartition(".")[2]
    return f"--{name.replace('_', '-')}"


def member_types(field: FieldInfo) -> tuple[Any, ...]:
    """Return the plain types of a leaf, or of the members of a list or tuple, without None."""
    return tuple(_plain_types(field.annotation))


def is_list(field: FieldInfo) -> bool:
    """Return whether a leaf holds any number of values."""
    return get_origin(field.annotation) is list


def is_tuple(field: FieldInfo) -> bool:
    """Return whether a leaf holds a fixed number of values, or may hold them."""
    kinds = (field.annotation, *get_args(field.annotation))
    return any(get_origin(kind) is tuple for kind in kinds)


def choices(field: FieldInfo) -> tuple[Any, ...]:
    """Return the allowed values of a leaf or of its members; empty if there is no limit."""
    literals = (kind for kind in member_types(field) if get_origin(kind) is Literal)
    return tuple(value for literal in literals for value in get_args(literal))


def read_text(text: str, field: FieldInfo) -> Any:  # noqa: ANN401 - pydantic says what it is
    """Turn typed text into a value that pydantic can check.

    Text of several values is split at commas; a leading `~` of a path is the home folder.
    """
    if is_list(field) or is_tuple(field):
        return [_read_one(item.strip(), field) for item in text.split(",") if item.strip()]
    return _read_one(text, field)


def _read_one(text: str, field: FieldInfo) -> Any:  # noqa: ANN401
    # pydantic compares literals strictly, so "3" must become 3.
    for choice in choices(field):
        if str(choice) == text:
            return choice
    if text.startswith("~") and Path in member_types(field):
        with suppress(RuntimeError):  # an unknown user: then it is a file name
            return Path(text).expanduser()
    return text


def _leaves(
    section: type[Section], prefix: str = ""
) -> Iterator[tuple[str, type[Section], FieldInfo]]:
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", section, field


def _texts(module: ast.Module) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the text under each field of the classes of a module, by class and field."""
    for kind in (one for one in module.body if isinstance(one, ast.ClassDef)):
        for field, below in pairwise(kind.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    yield (kind.name, name), " ".join(text.split())


def _plain_types(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - annotations have no common type
    if get_origin(kind) is Annotated:
        yield from _plain_types(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType, list, tuple):
        for member in get_args(kind):
            yield from _plain_types(member)
    elif kind not in (type(None), Ellipsis):
        yield kind
