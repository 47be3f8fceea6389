"""Logs: files of JSON rows, one row a line, that grow while a run works and survive a kill.

`prepare`, `eval`, `predict` and self-training log what they have finished, with a digest of the
settings, so that the next run does only what is missing. The journal of a run is a log as well.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from grapy_cli.atomic import replacing
from grapy_cli.safe_text import read_row, write_row

Settings = str | Mapping[str, Any]

_BLOCK = 1 << 16  # bytes that are searched at once for the end of the last line


class Line(NamedTuple):
    """A line that holds a row."""

    start: int
    """Where it begins, bytes from the start of the file."""
    text: bytes
    """As it stands in the file, with its end."""
    row: dict[str, Any]


def read_lines(path: Path) -> Iterator[Line]:
    """Read the lines that hold rows; none where there is no file.

    Other lines are passed over, also a last one that a kill has cut off.
    """
    start = 0
    with suppress(FileNotFoundError), path.open("rb") as file:
        for text in file:
            if text.endswith(b"\n") and (row := read_row(text)) is not None:
                yield Line(start, text, row)
            start += len(text)


def is_log_of(path: Path, settings: Settings) -> bool:
    """Tell whether the rows of a log depend on these settings."""
    return read_line(path, 0) == _head_of(settings)


def read_line(path: Path, start: int) -> bytes:
    """Read the line that begins at a byte.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(start)
        return file.readline()


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write a whole file of lines in one step that cannot be seen half done.

    Raises:
        OSError: If it cannot be written.
    """
    with replacing(path) as beside, beside.open("wb") as file:
        file.writelines(lines)


class Log:
    """The log of one process; the first row makes the file, or follows those of an earlier run.

    Args:
        settings: What all rows depend on, or its digest. It is the first line, written at once; a
            file of other settings is emptied. None where each row has a digest.
    """

    def __init__(self, path: Path, settings: Settings | None = None) -> None:
        self.path = path
        self.had_others = False
        """Whether the file had rows of other settings."""
        self._head = None if settings is None else _head_of(settings)
        self._is_begun = False
        if self._head:
            self.had_others = path.exists() and read_line(path, 0) != self._head
            if self.had_others:
                self.cut(0)
            self._begin()

    def __iter__(self) -> Iterator[Line]:
        """Give the lines that hold rows."""
        return (line for line in read_lines(self.path) if line.text != self._head)

    def add(self, row: Mapping[str, Any]) -> int:
        """Add a row, and return where its line begins. A kill no longer loses the row.

        Raises:
            OSError: If it cannot be written, or the file was removed during the run.
        """
        if not self._is_begun:
            self._begin()
        try:
            with self.path.open("r+b") as file:
                start = file.seek(0, os.SEEK_END)
                file.write(_encode(row))
        except FileNotFoundError as error:
            gone = "No such file any more: it was removed during the run"
            raise FileNotFoundError(errno.ENOENT, gone, str(self.path)) from error
        return start

    def cut(self, start: int) -> None:
        """Remove the line that begins at a byte, and all that follow."""
        os.truncate(self.path, start)

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Make the file, or drop the last line if a kill has cut it off."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()
        with self.path.open("r+b") as file:
            end = _end_of_lines(file)
            file.truncate(end)
            if not end and self._head:
                file.write(self._head)
        self._is_begun = True


def _head_of(settings: Settings) -> bytes:
    return _encode({"settings": settings})


def _end_of_lines(file: BinaryIO) -> int:
    """Find the end of the last whole line, bytes from the start."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        found = file.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _encode(row: Mapping[str, Any]) -> bytes:
    return write_row(row).encode() + b"\n"
