"""Write results to standard output and messages to standard error, as plain text in pipes."""

import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grapy_cli.errors import GrapyError, InterruptedRun
from grapy_cli.safe_text import spelled

_NO_WRAPPING = 100_000
"""Columns of a pipe: lines are not wrapped."""


def results() -> Console:
    """Return the console for the results of a command."""
    return _console(stderr=False)


def talk() -> Console:
    """Return the console for the messages of a command."""
    return _console(stderr=True)


def say(console: Console, line: str, style: str = "") -> None:
    """Print one line without markup and without wrapping.

    Control characters are escaped: the text may hold names of files.
    """
    console.print(Text(spelled(line, keep="\n\t"), style=style), soft_wrap=True)


def show_error(error: GrapyError) -> None:
    """Print an error in red, and below it the hint."""
    console = talk()
    if isinstance(error, InterruptedRun):
        say(console, error.message, "yellow")
    else:
        say(console, f"error: {error.message}", "red")
    if error.hint:
        say(console, error.hint, "dim")


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    title: str = "",
    width: int | None = None,
) -> None:
    """Print a table on standard output; the columns of a pipe are aligned by spaces alone.

    Args:
        columns: The heads; one that begins with ">" has its cells aligned to the right. Where all
            are empty there is no line of heads.
        width: Columns of text it may take, also in a pipe; longer cells are folded.
    """
    console = results()
    table = Table(
        box=box.SIMPLE_HEAD if console.is_terminal else None,
        pad_edge=False,
        show_header=any(columns),
    )
    for column in columns:
        table.add_column(
            column.removeprefix(">"),
            justify="right" if column.startswith(">") else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(spelled(cell)) if isinstance(cell, str) else cell for cell in row))
    if title:
        say(console, title, "bold")
    console.print(table, width=width)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NO_WRAPPING
    return Console(stderr=stderr, width=width, highlight=False, emoji=False, markup=False)


def percent(ratio: float | None) -> str:
    """Return a ratio in percent; a dash for None."""
    return "-" if ratio is None else f"{100 * ratio:.2f}"
