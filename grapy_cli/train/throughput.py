"""Measure the speed of training, and its time waiting for data."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")

STEPS = 20
"""Enough for a steady number: single steps vary."""


class Reading(NamedTuple):
    """The speed over the last steps."""

    photos_per_second: float
    waited: float
    """Share of the time spent waiting for data, in [0, 1]. The clock does not
    wait for a GPU that still computes, so with a GPU this is an upper bound."""
    seconds: float
    """Of one step, including everything since the step before."""


class _Step(NamedTuple):
    photos: int
    seconds: float
    waited: float


class Throughput:
    """Measures the steps of a loop over batches.

    Args:
        steps: Last steps that are averaged.
    """

    def __init__(self, steps: int = STEPS, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps: deque[_Step] = deque(maxlen=steps)
        self._mark = 0.0
        self._waited = 0.0

    def waiting_for(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Give the batches, and measure the wait for each."""
        remaining = iter(batches)
        self._mark = self._clock()
        while True:
            start = self._clock()
            try:
                batch = next(remaining)
            except StopIteration:
                return
            self._waited = self._clock() - start
            yield batch

    def read(self, photos: int) -> Reading:
        """Record the end of a step, and return the speed.

        Args:
            photos: Of the step, over all processes.
        """
        now = self._clock()
        self._steps.append(_Step(photos, max(now - self._mark, 1e-9), self._waited))
        self._mark = now
        total = sum(step.seconds for step in self._steps)
        return Reading(
            sum(step.photos for step in self._steps) / total,
            sum(step.waited for step in self._steps) / total,
            total / len(self._steps),
        )
