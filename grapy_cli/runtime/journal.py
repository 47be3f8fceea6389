"""The journal of a run: every event as one line of JSON, the truth that plots are drawn from."""

import time
from dataclasses import asdict
from pathlib import Path

from grapy_cli.jsonl import append_row, end_line, read_rows
from grapy_cli.runtime.reporting import Event


class Journal:
    """A reporter that appends to a file; a run that is resumed goes on in the same one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        end_line(path)

    def __call__(self, event: Event) -> None:
        """Write an event down, with its name and the time (seconds since 1970)."""
        head = {"time": round(time.time(), 3), "event": type(event).__name__}
        append_row(self.path, {**head, **asdict(event)})


def read_journal(path: Path) -> list[dict[str, object]]:
    """Read a journal back; what is no event, as a line that a crash cut off, is left out."""
    return [row for _, row in read_rows(path) if isinstance(row.get("event"), str)]
