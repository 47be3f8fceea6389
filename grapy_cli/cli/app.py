"""Assembles `grapy` from its commands."""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from grapy_cli import __version__
from grapy_cli.cli.commands import list_commands

app = typer.Typer(
    name="grapy",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a defect of ours keeps Python's own traceback
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
list_commands(app)


def _show_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"grapy {__version__}")
        raise typer.Exit
    return wanted


@app.callback(epilog="Example: grapy predict me.jpg --dataset atr --out masks")
def grapy(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version."),
    ] = False,
) -> None:
    """Parse photos of people: every pixel gets its body part or garment."""


def main() -> None:
    """Run `grapy` with the arguments of this process, and exit with its code."""
    _open_streams()
    # SIGTERM as Ctrl-C: also a command that is still loading then tidies up behind itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Threads of the network that wait for one another sleep. Spinning, as is usual, they would take
    # a busy machine's cores from those they wait for: photos of 0.4 s took 10 there.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(prog_name="grapy")
    except (OSError, ImportError) as error:
        from grapy_cli.cli.console import show_error
        from grapy_cli.cli.os_errors import grapy_error_of

        if (fault := grapy_error_of(error)) is None:
            raise
        _close_output()
        show_error(fault)
        raise SystemExit(fault.exit_code) from error
    finally:
        # Python ends by looking all objects over for garbage, for some 0.4 s where torch is loaded.
        gc.freeze()


def _open_streams() -> None:
    """Let a command work whose output was closed, as by `>&-`: what it says is heard by nobody."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - till the end


def _close_output() -> None:
    """Drop what could not be written, lest Python try again at its end and complain."""
    if sys.__stdout__ is None or sys.stdout is not sys.__stdout__ or sys.__stdout__.closed:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.__stdout__.fileno())
    os.close(nowhere)
