"""Files of JSON rows, one a line, that grow while a run works and survive its being killed."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grapy_cli.safe_text import read_row


def append_row(path: Path, row: Mapping[str, Any]) -> int:
    """Add a row to a file, and return where its line begins, bytes from the start."""
    with path.open("ab") as file:
        start = file.tell()
        file.write(json.dumps(row).encode() + b"\n")
    return start


def end_line(path: Path) -> None:
    """Close a last line that a kill has cut off, so that the next one begins at its start."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.write(b"\n")


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read rows, each with where its line begins; a line that is no row is passed over.

    Such lines are those that a kill has cut off, and that were closed later.
    """
    start = 0
    with path.open("rb") as file:
        for line in file:
            if (row := read_row(line)) is not None:
                yield start, row
            start += len(line)


def whole_lines(path: Path) -> Iterator[bytes]:
    """Read lines as they stand; a last one that a kill has cut off is left out."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line
