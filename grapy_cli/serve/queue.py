"""The queue of photos: one is parsed at a time, a few wait, more are refused."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

Result = TypeVar("Result")


class QueueFullError(Exception):
    """The queue is full.

    Args:
        seconds: After which there should be a place.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"busy; try again in {seconds} s")
        self.seconds = seconds


class RequestQueue:
    """Runs tasks in one thread, in order.

    Args:
        waiting: How many may wait while one runs.
    """

    def __init__(self, waiting: int) -> None:
        self._places = waiting + 1
        self._free = BoundedSemaphore(self._places)
        self._thread = ThreadPoolExecutor(1, "parsing")
        self._seconds = 1.0  # of the last task
        self.done = 0
        """Tasks that ended without an error."""

    async def ask(self, work: Callable[[], Result], timeout: float) -> Result:
        """Wait for a task.

        Args:
            work: Runs in the thread.
            timeout: Seconds, waiting included. A task that has not started by then is dropped; one
                that runs is finished and keeps its place, but its result is lost.

        Raises:
            QueueFullError: If the queue is full.
            TimeoutError: If it takes longer.
        """
        if not self._free.acquire(blocking=False):
            raise QueueFullError(max(1, math.ceil(self._seconds * self._places)))
        future = self._thread.submit(self._timed, work)
        future.add_done_callback(lambda _: self._free.release())
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout)

    def close(self) -> None:
        """Finish the running task and drop the waiting ones."""
        self._thread.shutdown(cancel_futures=True)

    def _timed(self, work: Callable[[], Result]) -> Result:
        begun = time.perf_counter()
        result = work()
        self._seconds = time.perf_counter() - begun
        self.done += 1
        return result
