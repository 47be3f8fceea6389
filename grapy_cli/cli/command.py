"""Connect the command line to the settings: options from fields, exit codes from errors."""

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from grapy_cli.cli.completion import complete_settings, completer_of
from grapy_cli.cli.console import show_error
from grapy_cli.errors import GrapyError, InterruptedRun
from grapy_cli.settings.layers import FILE_NAME, resolve
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.toml import to_toml
from grapy_cli.settings.tree import (
    choices,
    is_list,
    is_tuple,
    leaves,
    member_types,
    option_of,
    purposes,
)

Body = Callable[..., None]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

_WIDEST = 15
"""Longest list of choices beside an option, in characters: a longer one would be broken there."""
_ONE = "NAME"
"""Stands beside an option in place of a longer list, which follows its description."""

_COMMON = {
    "config": Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help=f"Settings file, TOML; by default {FILE_NAME} in the working folder.",
        ),
    ],
    "sets": Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            autocompletion=complete_settings,
            help="Any setting by its full name, such as train.optimizer.momentum=0.95; repeatable.",
        ),
    ],
    "show_settings": Annotated[
        bool,
        typer.Option(
            "--show-settings",
            help="Print every setting and where its value comes from, as TOML, and exit.",
        ),
    ],
}


def command(
    app: typer.Typer,
    *sections: str,
    name: str | None = None,
    example: str = "",
) -> Callable[[Body], Body]:
    """Make a function a command of the app, with an option for each setting it uses.

    The function gets its own arguments and options, and `settings=` and `reporter=` where it
    has both. Nested sections have no options; `--set` reaches them.

    Args:
        sections: Sections or single fields: "infer", "data.dataset". The stage table applies
            to commands that use the section "train".
        name: The command's name; by default that of the function.
        example: A line to type, for the end of the help page.
    """
    paths = _paths_of(sections)

    def register(body: Body) -> Body:
        def run(**given: Any) -> None:  # noqa: ANN401 - values of options
            with _exit_codes():
                _call(body, paths, given)

        run.__name__, run.__doc__ = body.__name__, body.__doc__
        signature = _signature(body, paths)
        run.__signature__ = signature  # type: ignore[attr-defined] # as `inspect` documents
        run.__annotations__ = {key: one.annotation for key, one in signature.parameters.items()}
        epilog = _plain(f"Example: {example}") if example else None
        app.command(name, epilog=epilog)(run)
        return body

    return register


def _call(body: Body, paths: list[str], given: dict[str, Any]) -> None:
    if not _uses_settings(body):
        body(**given)
        return
    config, sets, show = (given.pop(key) for key in _COMMON)
    resolved = resolve(
        config=config,
        flags={path: _value_of(path, given) for path in paths},
        sets=sets or (),
        environ=os.environ,
        stage_rows="train.stage" in paths,
    )
    if show:
        typer.echo(to_toml(resolved.settings, resolved.origins), nl=False)
        return
    from grapy_cli.cli.reporters import open_reporter

    with open_reporter() as reporter:
        body(**given, settings=resolved.settings, reporter=reporter)


@contextmanager
def _exit_codes() -> Iterator[None]:
    try:
        yield
    except (GrapyError, KeyboardInterrupt) as error:
        fault = error if isinstance(error, GrapyError) else InterruptedRun("interrupted")
        show_error(fault)
        raise typer.Exit(fault.exit_code) from error


def _paths_of(sections: tuple[str, ...]) -> list[str]:
    paths = [path for section in sections for path in _own_leaves(section)]
    options = [option_of(path) for path in paths]
    twice = {option for option in options if options.count(option) > 1}
    if twice:
        raise TypeError(f"two settings of one command share the options {sorted(twice)}")
    return paths


def _own_leaves(section: str) -> list[str]:
    own = [path for path in leaves() if section in (path, path.rpartition(".")[0])]
    if not own:
        raise TypeError(f"there is no section or setting {section}")
    return own


def _signature(body: Body, paths: list[str]) -> inspect.Signature:
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(body).parameters.items()
        if name not in ("settings", "reporter")
    ]
    if not _uses_settings(body):
        return inspect.Signature(own)
    settings = [
        _parameter(name, annotation, None)
        for path in paths
        for name, annotation in _annotations(path).items()
    ]
    common = [
        _parameter(key, kind, False if key == "show_settings" else None)
        for key, kind in _COMMON.items()
    ]
    return inspect.Signature([*own, *settings, *common])


def _parameter(name: str, annotation: Any, default: object) -> inspect.Parameter:  # noqa: ANN401
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _annotations(path: str) -> dict[str, Any]:
    """Return the option of a setting and, of a switch, the hidden one that turns it off."""
    field, option = leaves()[path], option_of(path)
    is_switch = field.annotation is bool
    info = typer.Option(
        option,
        help=_help_of(path),
        metavar="" if is_switch else _metavar_of(path),
        rich_help_panel=_panel_of(path),
        show_default=False,
        autocompletion=None if is_switch else completer_of(path),
    )
    # The option takes text for every type of field: pydantic converts and checks it.
    kind = bool if is_switch else list[str] if is_list(field) else str
    own: dict[str, Any] = {_parameter_name(path): Annotated[kind | None, info]}
    if is_switch:
        # Beside the option, it would take half of the page from the descriptions.
        off = typer.Option(_off(option), hidden=True)
        own[_off_parameter(path)] = Annotated[bool | None, off]
    return own


def _off(option: str) -> str:
    return f"--no-{option.removeprefix('--')}"


def _help_of(path: str) -> str:
    field, text = leaves()[path], purposes()[path]
    if _metavar_of(path) == _ONE:
        text += f" One of {', '.join(map(str, choices(field)))}."
    default = _default_of(field.default)
    if field.default is True:
        default += f"; {_off(option_of(path))} turns it off"
    return _plain(f"{text} [default: {default}]" if default else text)


def _default_of(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def _plain(text: str) -> str:
    """Keep Rich from reading brackets as its markup."""
    return text.replace("[", r"\[")


def _metavar_of(path: str) -> str:
    field = leaves()[path]
    if choices(field):
        joined = "|".join(map(str, choices(field)))
        return "LIST" if is_list(field) else joined if len(joined) <= _WIDEST else _ONE
    names = {
        int: "INTEGER",
        float: "NUMBER",
        Path: "PATH",
        str: "NAME" if is_list(field) else "TEXT",
    }
    name = names.get(member_types(field)[0], "TEXT")
    if is_list(field):
        return f"{name},..."
    return ",".join([name] * len(member_types(field))) if is_tuple(field) else name


def _panel_of(path: str) -> str:
    section = Settings.model_fields[path.partition(".")[0]].annotation
    return (inspect.getdoc(section) or "").partition("\n")[0].removesuffix(".")


def _parameter_name(path: str) -> str:
    return path.replace(".", "__")


def _off_parameter(path: str) -> str:
    return f"no_{_parameter_name(path)}"


def _value_of(path: str, given: dict[str, Any]) -> Any:  # noqa: ANN401 - text, a switch or nothing
    """Take the options of a setting out of all that are given."""
    value = given.pop(_parameter_name(path))
    if given.pop(_off_parameter(path), None):
        return False
    return ",".join(value) if isinstance(value, list) else value


def _uses_settings(body: Body) -> bool:
    return "settings" in inspect.signature(body).parameters
