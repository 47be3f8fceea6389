"""The queue before the network: one photo is parsed at a time, few wait, no more are let in."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

Result = TypeVar("Result")


class QueueFullError(Exception):
    """All places are taken.

    Args:
        seconds: After which there should be one again.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"busy; try again in {seconds} s")
        self.seconds = seconds


class RequestQueue:
    """Does pieces of work in a thread of its own, in the order they came.

    Args:
        waiting: How many may wait while another one is in hand.
    """

    def __init__(self, waiting: int) -> None:
        self._places = waiting + 1
        self._free = BoundedSemaphore(self._places)
        self._thread = ThreadPoolExecutor(1, "parsing")
        self._seconds = 1.0  # the last piece of work took
        self.done = 0
        """Pieces of work that ended well."""

    async def ask(self, work: Callable[[], Result], timeout: float) -> Result:
        """Wait for a piece of work.

        Args:
            work: Runs in the thread.
            timeout: Seconds, waiting included. Work that was not begun by then is dropped; what is
                in hand is finished, and keeps its place until then, but nobody hears of it.

        Raises:
            QueueFullError: If all places are taken.
            TimeoutError: If it takes longer.
        """
        if not self._free.acquire(blocking=False):
            raise QueueFullError(max(1, math.ceil(self._seconds * self._places)))
        future = self._thread.submit(self._timed, work)
        future.add_done_callback(lambda _: self._free.release())
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout)

    def close(self) -> None:
        """Finish what is in hand and drop what waits."""
        self._thread.shutdown(cancel_futures=True)

    def _timed(self, work: Callable[[], Result]) -> Result:
        begun = time.perf_counter()
        result = work()
        self._seconds = time.perf_counter() - begun
        self.done += 1
        return result
