"""The journal of a run: every event as one line of JSON, the truth that plots are drawn from."""

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from grapy_cli.runtime.reporting import Event
from grapy_cli.text import read_row


class Journal:
    """A reporter that appends to a file; a run that is resumed goes on in the same one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("ab+") as file:
            if file.tell() and not _ends_well(file):  # a crash cut the last line off
                file.write(b"\n")

    def __call__(self, event: Event) -> None:
        """Write an event down, with its name and the time (seconds since 1970)."""
        row = {"time": round(time.time(), 3), "event": type(event).__name__, **asdict(event)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def read_journal(path: Path) -> list[dict[str, object]]:
    """Read a journal back; what is no event, as a line that a crash cut off, is left out."""
    with path.open("rb") as file:
        rows = filter(None, map(read_row, file))
        return [row for row in rows if isinstance(row.get("event"), str)]


def _ends_well(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read() == b"\n"
