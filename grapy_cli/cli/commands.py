"""The commands in `grapy --help`; each is imported only when it runs.

Building the options of all commands from the settings would take longer than the rest of the page.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

PANELS: Mapping[str, Mapping[str, str]] = {
    "Work": {
        "prepare": "Turn a downloaded data set into one for training and scoring.",
        "train": "Train a network: pretrain without the pyramid, joint on all data sets, "
        "finetune on one.",
        "eval": "Score networks on prepared data sets, or masks of any tool.",
        "predict": "Parse photos: write a mask of body parts and garments for each photo.",
        "serve": "Parse photos over HTTP, with a web page to drop photos on.",
        "export": "Write weights for another engine, and compare it with torch on photos.",
    },
    "Look": {
        "weights": "Import and adopt weights, list them, and show what they contain.",
        "labels": "Show the parts of a label set or of another tool, or list them all.",
        "doctor": "Check this machine, for a bug report: versions, devices, weights, disk, extras.",
        "bench": "Measure how fast photos are parsed here, and how much time each stage takes.",
    },
}
"""The panels of the page and their commands, with the first line of each help page."""

_MODULES: Mapping[str, str] = {"eval": "evaluate"}
"""Modules that do not have the name of their command: `eval` is a Python function."""


def list_commands(app: typer.Typer) -> None:
    """Add the commands to an app."""
    for panel, commands in PANELS.items():
        for name, summary in commands.items():
            app.command(name, cls=_Later, help=summary, rich_help_panel=panel)(_nothing)


def load_command(name: str) -> Any:  # noqa: ANN401 - Typer keeps the class of its commands private
    """Import a command, or a group of commands, with its options."""
    module = import_module(f"grapy_cli.cli.{_MODULES.get(name, name)}")
    return typer.main.get_command(module.app)


class _Later(TyperCommand):
    """A command that is imported only when it runs."""

    def make_context(self, *given: Any, **more: Any) -> Any:  # noqa: ANN401 - as above
        """Import the command and let it parse the arguments."""
        return load_command(str(self.name)).make_context(*given, **more)


def _nothing() -> None:
    """Do nothing: the imported command runs instead."""
