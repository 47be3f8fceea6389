"""How the time of a piece of work divides among its stages; without a profiler it costs nothing.

Functions say by `@span("reading")` which stage they are. A stage within another is counted as its
own alone, so all of them together are the whole.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Profiler:
    """Adds up the seconds of stages in the thread that is in `running`.

    Args:
        wait: Waits until the device has done what it was given; cards work beside the thread.
        clock: Tells the time, seconds.
    """

    def __init__(
        self,
        wait: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._wait = wait
        self._clock = clock
        self._stack: list[str] = []
        self._since = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the stages of this thread be counted."""
        token = _WATCH.set(self)
        try:
            yield
        finally:
            _WATCH.reset(token)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Count a stage from here on; the one around it stands still meanwhile."""
        self._switch()
        self._stack.append(name)
        try:
            yield
        finally:
            self._switch()
            self._stack.pop()

    def _switch(self) -> None:
        """Book the time since the last switch on the innermost stage."""
        self._wait()
        now = self._clock()
        if self._stack:
            inner = self._stack[-1]
            self.seconds[inner] = self.seconds.get(inner, 0.0) + now - self._since
        self._since = now


_WATCH: ContextVar[Profiler | None] = ContextVar("profiler", default=None)


def span(name: str) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Make a function a stage that profilers know by a name."""

    def mark(work: Callable[Given, Result]) -> Callable[Given, Result]:
        @wraps(work)
        def timed(*args: Given.args, **kwargs: Given.kwargs) -> Result:
            with _counting(name):
                return work(*args, **kwargs)

        return timed

    return mark


def _counting(name: str) -> AbstractContextManager[None]:
    watch = _WATCH.get()
    return watch.on(name) if watch else nullcontext()
