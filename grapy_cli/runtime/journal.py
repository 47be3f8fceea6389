"""The journal of a run: every event as one line of JSON, the truth that plots are drawn from."""

import json
import time
from dataclasses import asdict
from pathlib import Path

from grapy_cli.runtime.reporting import Event


class Journal:
    """A reporter that appends to a file; a run that is resumed goes on in the same one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def __call__(self, event: Event) -> None:
        """Write an event down, with its name and the time (seconds since 1970)."""
        row = {"time": round(time.time(), 3), "event": type(event).__name__, **asdict(event)}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()


def read_journal(path: Path) -> list[dict[str, object]]:
    """Read a journal back; a last line that was cut off by a crash is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows
