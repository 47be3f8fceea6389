"""The journal of a run: every event as a line of JSON; curves and tables are drawn from it."""

import time
from dataclasses import asdict
from pathlib import Path

from grapy_cli.jsonl import Log, read_lines
from grapy_cli.runtime.reporting import Event


class Journal:
    """A reporter that appends to a file; a run that is resumed goes on in the same one."""

    def __init__(self, path: Path) -> None:
        self._log = Log(path)

    def __call__(self, event: Event) -> None:
        """Write down an event with its name and the time (seconds since 1970)."""
        head = {"time": round(time.time(), 3), "event": type(event).__name__}
        self._log.add({**head, **asdict(event)})


def read_journal(path: Path) -> list[dict[str, object]]:
    """Read the events of a journal; other lines are left out."""
    rows = (line.row for line in read_lines(path))
    return [row for row in rows if isinstance(row.get("event"), str)]
