"""Assemble `grapy` from its commands."""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer

from grapy_cli import __version__
from grapy_cli.cli.commands import list_commands

app = typer.Typer(
    name="grapy",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a defect of ours keeps its traceback
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
    # SIGTERM acts like Ctrl-C, so that a command that is still loading cleans up too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Threads of the network sleep while they wait for each other. Spinning, the default, takes
    # cores from the others on a busy machine: a photo of 0.4 s took 10 s there.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app(prog_name="grapy")
    except (OSError, ImportError, MemoryError) as error:
        from grapy_cli.cli.console import show_error
        from grapy_cli.cli.os_errors import grapy_error_of

        if (fault := grapy_error_of(error)) is None:
            raise
        _close_output()
        show_error(fault)
        raise SystemExit(fault.exit_code) from error
    finally:
        # A signal during the exit ends it: raised there, KeyboardInterrupt would be a traceback.
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, signal.SIG_DFL)
        # Python collects garbage at its end, which takes 0.4 s if torch is loaded.
        gc.freeze()


def _open_streams() -> None:
    """Let a command work with a closed output: `>&-`, or a pipe without a reader."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end
    sys.stderr = cast(TextIO, _Talk(sys.stderr))


class _Talk:
    """Standard error that may be closed during a run: messages are then dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or drop the text and all that follows."""
        try:
            return self._stream.write(text)
        except OSError:
            _drop(self._stream)
            return len(text)

    def flush(self) -> None:
        """Flush, or drop what is left and all that follows."""
        try:
            self._stream.flush()
        except OSError:
            _drop(self._stream)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the stream
        """Delegate everything else to the stream."""
        return getattr(self._stream, name)


def _close_output() -> None:
    """Drop output that cannot be written: Python would try again at its end, and fail."""
    if sys.__stdout__ and sys.stdout is sys.__stdout__ and not sys.__stdout__.closed:
        _drop(sys.__stdout__)


def _drop(stream: TextIO) -> None:
    """Send what is left of a stream, and all that follows, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
