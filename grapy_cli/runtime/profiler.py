"""Measure the seconds of each span of a piece of work; without a profiler it costs nothing.

`@span("reading")` makes a function a span. The time of a span inside another one counts only for
the inner one, so the spans add up to the whole.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Profiler:
    """Adds up the seconds of each span in the thread that is in `running`.

    Args:
        wait: Waits until the device is done; a GPU works beside the thread.
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
        """Count the spans of this thread."""
        token = _RUNNING.set(self)
        try:
            yield
        finally:
            _RUNNING.reset(token)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Count for a span from here on, and not for the span around it."""
        self._switch()
        self._stack.append(name)
        try:
            yield
        finally:
            self._switch()
            self._stack.pop()

    def _switch(self) -> None:
        """Add the time since the last switch to the innermost span."""
        self._wait()
        now = self._clock()
        if self._stack:
            inner = self._stack[-1]
            self.seconds[inner] = self.seconds.get(inner, 0.0) + now - self._since
        self._since = now


_RUNNING: ContextVar[Profiler | None] = ContextVar("profiler", default=None)


def span(name: str) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Make a function a span of that name."""

    def mark(work: Callable[Given, Result]) -> Callable[Given, Result]:
        @wraps(work)
        def timed(*args: Given.args, **kwargs: Given.kwargs) -> Result:
            if (profiler := _RUNNING.get()) is None:
                return work(*args, **kwargs)
            with profiler.on(name):
                return work(*args, **kwargs)

        return timed

    return mark
