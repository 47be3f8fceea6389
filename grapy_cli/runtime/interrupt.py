"""Defer Ctrl-C and SIGTERM until the running step is done."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopAskedError(BaseException):
    """A signal came while nothing was under way that must be finished."""


class StopRequest:
    """Says whether a signal asked this process to stop."""

    def __init__(self) -> None:
        self._asked = False
        self._acts_at_once = False

    def __call__(self) -> bool:
        """Tell whether one came."""
        return self._asked

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal end the block, also one that came before it.

        Raises:
            StopAskedError: If one comes.
        """
        self._acts_at_once = True
        try:
            if self._asked:
                raise StopAskedError
            yield
        finally:
            self._acts_at_once = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: the first is noted, the second acts at once."""
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        if self._acts_at_once:
            raise StopAskedError


@contextmanager
def deferred_interrupts() -> Iterator[StopRequest]:
    """Note the first Ctrl-C or SIGTERM of the block, and give what says so."""
    asked = StopRequest()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, asked.note) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
