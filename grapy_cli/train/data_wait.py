"""Watch a run that waits for data: report long waits, and end them in time."""

import math
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from typing import NamedTuple

from grapy_cli.errors import DeviceError
from grapy_cli.runtime.interrupt import StopAskedError
from grapy_cli.runtime.reporting import Reporter, Warned

LOOK_EVERY = 60.0
"""Seconds without a batch between two looks at the workers."""

MOST_IDLE_LOOKS = 5
"""Looks that find no worker at work, after which the batch counts as lost."""

GRACE = 10.0
"""Seconds that one of several processes still waits after a signal: all can stop together."""

_WORDS = {
    "R": "computes",
    "S": "sleeps",
    "D": "waits for a disk",
    "Z": "has ended",
    "T": "is halted",
}
"""What a process does, by the letter of its state."""


class ProcessState(NamedTuple):
    """The state of a process at one moment."""

    letter: str
    """As in /proc: R, S, D, ...; empty where the system does not say."""
    ticks: int
    """Clock ticks of processor time that it used."""

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


def _look_at_workers() -> dict[int, ProcessState]:
    return {child.pid: look_at(child.pid) for child in active_children() if child.pid}


class DataWait:
    """Watches waits for data; called with the seconds of the current wait.

    Args:
        is_alone: Whether the run has one process.
        look: Gives the state of each worker by its process id.
    """

    def __init__(
        self,
        report: Reporter,
        stop_asked: Callable[[], bool],
        *,
        is_alone: bool,
        look: Callable[[], dict[int, ProcessState]] = _look_at_workers,
    ) -> None:
        self._report = report
        self._stop_asked = stop_asked
        self._grace = 0.0 if is_alone else GRACE
        self._look = look
        self._before: dict[int, ProcessState] = {}
        self._seconds = math.inf
        self._looks = 0
        self._idle_looks = 0

    def __call__(self, seconds: float) -> None:
        """Keep waiting.

        Raises:
            StopAskedError: If a signal came.
            DeviceError: If no worker has worked for minutes.
        """
        if self._stop_asked() and seconds >= self._grace:
            raise StopAskedError
        if seconds < self._seconds:  # another wait
            self._looks = self._idle_looks = 0
            self._before = self._look()
        self._seconds = seconds
        if seconds // LOOK_EVERY > self._looks:
            self._looks = int(seconds // LOOK_EVERY)
            self._tell(seconds)

    def _tell(self, seconds: float) -> None:
        now = self._look()
        busy = [pid for pid, state in now.items() if state.has_worked_since(self._before.get(pid))]
        self._before = now
        self._idle_looks = 0 if busy else self._idle_looks + 1
        if self._idle_looks >= MOST_IDLE_LOOKS:
            raise DeviceError(
                f"the data loader delivered nothing for {seconds / 60:.0f} minutes, and its "
                f"workers are idle ({_states(now)})",
                hint="Try --workers 0, and resume from the last checkpoint with --resume.",
            )
        self._report(
            Warned(f"no batch for {seconds:.0f} s; {_states(now) or 'there are no workers'}")
        )


def _states(states: dict[int, ProcessState]) -> str:
    return ", ".join(
        f"worker {pid} {_WORDS.get(state.letter, 'is there')}" for pid, state in states.items()
    )
