"""The commands as `grapy --help` lists them; each is imported only when somebody types it.

So the list is there at once: reading the options of all commands (out of the settings, and those
out of pydantic) would take longer than all the rest of the page.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperCommand

_WORK = {
    "prepare": "Turn a data set as it is downloaded into one that trains and scores.",
    "train": "Train a network: pretrain without the pyramid, joint on all data sets, "
    "finetune on one.",
    "eval": "Score networks on prepared data sets, or masks that any tool wrote.",
    "predict": "Parse photos: write a mask of body parts and garments for each.",
    "serve": "Parse photos that come over HTTP, and show a page where they can be dropped.",
    "export": "Write weights as a file for another engine, and check it against torch on photos.",
}
_LOOK = {
    "weights": "Import and adopt weights, list them, and say what is in them.",
    "labels": "Show the parts of a label set or of another tool, or which there are.",
    "doctor": "Look at this machine, for a bug report: versions, devices, weights, disk, extras.",
    "bench": "Measure how fast photos are parsed here, and what of the time goes where.",
}
PANELS: Mapping[str, Mapping[str, str]] = MappingProxyType({"Work": _WORK, "Look": _LOOK})
"""The panels of the page, the commands in each, and how its own help begins: a test compares."""

_MODULES: Mapping[str, str] = MappingProxyType({"eval": "evaluate"})
"""Where a command is not in the module of its name: `eval` is a function of Python's."""


def list_commands(app: typer.Typer) -> None:
    """Put the commands into the list of an app."""
    for panel, commands in PANELS.items():
        for name, summary in commands.items():
            app.command(name, cls=_Later, help=summary, rich_help_panel=panel)(_nothing)


def load_command(name: str) -> Any:  # noqa: ANN401 - Typer keeps the class of its commands private
    """Import a command, or a group of commands, with its options."""
    module = import_module(f"grapy_cli.cli.{_MODULES.get(name, name)}")
    return typer.main.get_command(module.app)


class _Later(TyperCommand):
    """Stands in the list for a command that is not imported yet."""

    def make_context(self, *given: Any, **more: Any) -> Any:  # noqa: ANN401 - as above
        """Let the command itself read the arguments; from here on all is its own."""
        return load_command(str(self.name)).make_context(*given, **more)


def _nothing() -> None:
    """What is listed does nothing by itself."""
