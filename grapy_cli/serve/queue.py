"""The queue of photos: some are parsed side by side, a few wait, more are refused."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Lock
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
    """Starts tasks in order, each in one of a few threads.

    Args:
        waiting: How many may wait while no thread is free.
        threads: How many run at the same time.
        prepare: Called once in each thread, before its first task.
    """

    def __init__(
        self, waiting: int, threads: int = 1, prepare: Callable[[], object] | None = None
    ) -> None:
        self._rounds = waiting / threads + 1
        self._free = BoundedSemaphore(waiting + threads)
        self._threads = ThreadPoolExecutor(threads, "parsing", initializer=prepare)
        self._ended = Lock()
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
            raise QueueFullError(max(1, math.ceil(self._seconds * self._rounds)))
        future = self._threads.submit(self._timed, work)
        future.add_done_callback(lambda _: self._free.release())
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout)

    def close(self) -> None:
        """Finish the running tasks and drop the waiting ones."""
        self._threads.shutdown(cancel_futures=True)

    def _timed(self, work: Callable[[], Result]) -> Result:
        begun = time.perf_counter()
        result = work()
        with self._ended:
            self._seconds = time.perf_counter() - begun
            self.done += 1
        return result
