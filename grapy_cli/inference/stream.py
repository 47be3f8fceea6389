"""Reading, parsing and writing at the same time, in order, with a bounded number in the air."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], *, threads: int, ahead: int
) -> Generator[Result, None, None]:
    """Do work on items in threads, and give the results in the order of the items.

    Items are taken by the thread that takes the results, and only when there is room: stages can
    be chained, and whichever is slowest sets the pace of all. When nobody takes results any more,
    what was begun is ended and the rest left.

    Args:
        items: May be endless; what they raise is raised when all before it are done.
        work: What it raises is raised here, in the item's place.
        threads: That work at the same time.
        ahead: How many items may be begun whose results were not taken.
    """
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            taken = iter(items)
            failure: Exception | None = None
            while failure is None:
                try:
                    begun.append(pool.submit(work, next(taken)))
                except Exception as error:  # the end of the items is one
                    failure = error
                if failure is None and len(begun) > ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
            if not isinstance(failure, StopIteration):
                raise failure
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def in_groups(
    items: Iterable[Item], key: Callable[[Item], object], most: int
) -> Generator[list[Item], None, None]:
    """Put neighbours that have the same key together; none is held longer than it must be.

    Args:
        items: Taken one at a time, and no further than the group that is given.
        key: None for an item that stays alone; not asked for where all do.
        most: Items of a group.
    """
    group: list[Item] = []
    shared: object = None
    for item in items:
        own = key(item) if most > 1 else None
        if group and own != shared:
            yield group
            group = []
        group.append(item)
        shared = own
        if len(group) == most or own is None:
            yield group
            group = []
    if group:
        yield group


class Room:
    """Lets photos in, one after the other, while together they have room.

    However large it is, a photo that is alone gets in. The order keeps those that are in from
    waiting for one that is not.

    Args:
        pixels: Of all photos that are in at the same time.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._used = 0
        self._turn = 0
        self._closed = False
        self._changed = Condition()

    def enter(self, turn: int, pixels: int) -> None:
        """Wait until all earlier turns are in and there is room for that many pixels."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._may_enter(turn, pixels))
            self._turn = turn + 1
            self._used += pixels
            self._changed.notify_all()

    def take(self, pixels: int) -> None:
        """Fill room whether there is any or not."""
        self.leave(-pixels)

    def leave(self, pixels: int) -> None:
        """Give room back."""
        with self._changed:
            self._used -= pixels
            self._changed.notify_all()

    def close(self) -> None:
        """Let everybody in who waits: nothing of theirs will be used."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _may_enter(self, turn: int, pixels: int) -> bool:
        fits = self._used == 0 or self._used + pixels <= self._pixels
        return turn == self._turn and fits
