"""What another process does, as Linux shows it."""

from pathlib import Path
from typing import NamedTuple

_WORDS = {
    "R": "computes",
    "S": "sleeps",
    "D": "waits for a disk",
    "Z": "has ended",
    "T": "is halted",
}


class ProcessState(NamedTuple):
    """The state of a process at one moment."""

    letter: str
    """As in /proc: R, S, D, ...; empty where the system does not say."""
    ticks: int
    """Clock ticks of processor time that it used."""

    @property
    def words(self) -> str:
        """What it does, as the end of a sentence."""
        return _WORDS.get(self.letter, "is there")

    def has_worked_since(self, before: "ProcessState | None") -> bool:
        """Tell whether it computed since an earlier moment, or waits for a disk now."""
        if before is None or not self.letter:
            return True  # it is unknown
        return self.letter in "RD" or self.ticks > before.ticks


def look_at(pid: int) -> ProcessState:
    """Return the state of a process; one without a letter where it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()  # the name before may hold anything
        return ProcessState(fields[0], int(fields[11]) + int(fields[12]))
    except (OSError, LookupError, ValueError):
        return ProcessState("", 0)
