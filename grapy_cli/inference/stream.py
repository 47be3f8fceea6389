"""The stream of photos through a parser: read ahead, parse, finish, in order and in bounded memory.

Everything that parses more than one photo goes through `PhotoStream`: `predict`, `eval`,
`HumanParser.parse_many`, validation in training and the labeling of self-training.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, takewhile
from pathlib import Path
from threading import Condition
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.image_io.photos import ReadPhoto, read_size
from grapy_cli.inference.parsing import Parsing, Photo
from grapy_cli.runtime.device import kept_threads, use_one_thread

PIXELS_UNDER_WAY = 48_000_000
"""Of all photos that are read and not yet finished; a larger photo goes through alone."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Parsings = Mapping[str, Parsing]
"""By label set."""


@runtime_checkable
class Parser(Protocol):
    """What a stream needs of a parser."""

    @property
    def is_on_gpu(self) -> bool:
        """Whether threads that parse mostly wait for a GPU."""

    @property
    def cpu_workers(self) -> int:
        """How many photos are parsed side by side on the CPU, each by one thread."""

    def read(self, photo: Photo) -> ReadPhoto:
        """Read a photo, or raise a PhotoError."""

    def size_of(self, reading: ReadPhoto) -> tuple[int, int]:
        """Return the height and width, pixels, that the network sees."""

    def parse_together(
        self, readings: Sequence[ReadPhoto], datasets: Sequence[str]
    ) -> Sequence[Parsings]:
        """Parse photos of one size by the same label sets."""


class ParsedPhoto(NamedTuple):
    """A photo that went through the network."""

    reading: ReadPhoto
    parsings: Parsings
    seconds: float
    """That reading and parsing took; of photos parsed together, an equal share."""


@dataclass(frozen=True)
class ParseRequest(Generic[Result]):
    """A photo to parse."""

    parser: Parser
    photo: Photo
    datasets: Sequence[str]
    """Label sets to parse by."""
    finish: Callable[[ParsedPhoto | PhotoError], Result]
    """Turns the parsed photo, or the error of one that cannot be read, into the result. Called in
    any thread."""


@dataclass(frozen=True)
class OtherWork(Generic[Result]):
    """An item that needs no parsing, or does it by itself, as a video."""

    do: Callable[[], Result]
    """Gives the result; called where photos are parsed."""


Request = ParseRequest[Result] | OtherWork[Result]


class Threads(NamedTuple):
    """How many threads do what, for one kind of device."""

    reading: int
    parsing: int
    """Photos, or batches, in the network at the same time. 1: the thread that takes the results
    parses, and others finish; more: each thread finishes what it parsed."""
    finishing: int
    ahead: int
    """Photos that are begun before they are asked for, in each of the two pools."""
    prepare: Callable[[], None] | None = None
    """What each parsing thread calls before its first photo."""


ONE_BY_ONE = Threads(reading=2, parsing=1, finishing=2, ahead=2)
SIDE_BY_SIDE = Threads(reading=4, parsing=4, finishing=4, ahead=4)
"""For a GPU: preparing and finishing a photo takes a thread longer than the GPU needs for it."""


def threads_for(parser: Parser, *, spare_memory: bool = False) -> Threads:
    """Choose the threads of a stream by the parser's device.

    On a CPU each photo is parsed by one thread, by torch and by other engines. This uses all
    cores, where several threads that share one photo mostly wait, and masks do not depend on the
    number of cores.

    Args:
        parser: What parses.
        spare_memory: A training run holds most of the GPU's memory.
    """
    if parser.is_on_gpu:
        return ONE_BY_ONE if spare_memory else SIDE_BY_SIDE
    several = parser.cpu_workers
    if several == 1:
        return ONE_BY_ONE
    return Threads(several, several, several, several, prepare=use_one_thread)


class _Read(NamedTuple):
    """A photo that is read; it takes up room until it is finished."""

    request: ParseRequest[Any]
    reading: ReadPhoto
    pixels: int
    seconds: float


_UnderWay = _Read | OtherWork[Any]


@dataclass(frozen=True)
class PhotoStream(Generic[Item, Result]):
    """Takes items and gives a result for each, in order.

    The stages overlap: while one photo is in the network, the next ones are read and the last ones
    are finished.
    """

    request: Callable[[Item], Request[Result]]
    """Says what to do for an item. Called in a reading thread; it may look at files."""
    threads: Threads = ONE_BY_ONE
    batch: int = 1
    """Most neighbors that are parsed together: of one size for the network, by the same parser and
    the same label sets."""

    def run(
        self, items: Iterable[Item], stop_asked: Callable[[], bool] = lambda: False
    ) -> Generator[Result, None, None]:
        """Give the results. Close the generator to end early: photos under way are given up.

        Args:
            items: Any number; only a few are taken ahead.
            stop_asked: When it says yes, no further photo is parsed; what was parsed is finished.

        Raises:
            DeviceError: If the device does not have enough memory for a photo.
            Exception: What `items`, `request` and `finish` raise, in the item's place.
        """
        room = Room(PIXELS_UNDER_WAY)
        reading, parsing, finishing, ahead, prepare = self.threads

        def read(numbered: tuple[int, Item]) -> _UnderWay:
            turn, item = numbered
            return _read(self.request, item, turn, room)

        def parse(group: Sequence[_UnderWay]) -> list[Callable[[], Result]]:
            return _parse(group, room)

        def parse_and_finish(group: Sequence[_UnderWay]) -> list[Result]:
            return [finish() for finish in parse(group)]

        beyond_batch = ahead + self.batch - 1
        readings = in_order(enumerate(items), read, threads=reading, ahead=beyond_batch)
        with closing(readings), closing(room):
            wanted = takewhile(lambda _: not stop_asked(), readings)
            groups = (
                _gather(wanted, self.batch, room) if self.batch > 1 else ([it] for it in wanted)
            )
            if parsing > 1:
                done = in_order(
                    groups, parse_and_finish, threads=parsing, ahead=ahead, prepare=prepare
                )
                with closing(done), kept_threads():
                    yield from chain.from_iterable(done)
            else:
                parsed = chain.from_iterable(map(parse, groups))
                with closing(
                    in_order(parsed, lambda finish: finish(), threads=finishing, ahead=ahead)
                ) as results:
                    yield from results


def _read(
    request: Callable[[Item], Request[Any]], item: Item, turn: int, room: "Room"
) -> _UnderWay:
    """Read the photo of an item once there is room for it."""
    begun, pixels, entered = time.perf_counter(), 0, False
    try:
        wanted = request(item)
        if isinstance(wanted, OtherWork):
            return wanted
        try:
            pixels = _count_pixels(wanted.photo)
            room.enter(turn, pixels)
            entered = True
            reading = wanted.parser.read(wanted.photo)
        except PhotoError as error:
            room.leave(pixels)
            return OtherWork(partial(wanted.finish, error))
    finally:
        if not entered:  # the next one may enter
            room.enter(turn, 0)
    return _Read(wanted, reading, pixels, time.perf_counter() - begun)


def _count_pixels(photo: object) -> int:
    """Count a photo's pixels without reading them; 0 for what is no photo."""
    if isinstance(photo, np.ndarray):
        return math.prod(photo.shape[:2])
    if isinstance(photo, Image.Image):
        return photo.width * photo.height
    if isinstance(photo, str | Path | bytes):
        return math.prod(read_size(photo))
    return 0  # the parser says what is wrong with it


def _gather(readings: Iterable[_UnderWay], most: int, room: "Room") -> Iterator[list[_UnderWay]]:
    """Group photos that may be parsed together.

    While a photo waits for others its room is free: the others may be waiting for that room.
    """

    def lend(one: _UnderWay) -> _UnderWay:
        room.leave(_pixels_of(one))
        return one

    for group in in_groups(map(lend, readings), _kind_of, most):
        room.take(sum(map(_pixels_of, group)))
        yield group


def _kind_of(one: _UnderWay) -> object:
    """Return what photos must have in common to be parsed together; None for anything else."""
    if isinstance(one, OtherWork):
        return None
    request = one.request
    return id(request.parser), request.parser.size_of(one.reading), tuple(request.datasets)


def _pixels_of(one: _UnderWay) -> int:
    return one.pixels if isinstance(one, _Read) else 0


def _parse(group: Sequence[_UnderWay], room: "Room") -> list[Callable[[], Any]]:
    """Parse photos of one kind together, or do one piece of other work.

    Returns:
        Functions that finish each of them, and return its result.
    """
    if isinstance(group[0], OtherWork):  # it is alone in its group
        result = group[0].do()
        return [lambda: result]
    photos = [it for it in group if isinstance(it, _Read)]
    begun, request = time.perf_counter(), photos[0].request
    parsed = request.parser.parse_together([it.reading for it in photos], request.datasets)
    seconds = (time.perf_counter() - begun) / len(photos)
    return [
        partial(_finish, it, ParsedPhoto(it.reading, parsings, it.seconds + seconds), room)
        for it, parsings in zip(photos, parsed, strict=True)
    ]


def _finish(read: _Read, photo: ParsedPhoto, room: "Room") -> Any:  # noqa: ANN401 - as requested
    try:
        return read.request.finish(photo)
    finally:
        room.leave(read.pixels)


def in_order(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    *,
    threads: int,
    ahead: int,
    prepare: Callable[[], object] | None = None,
) -> Generator[Result, None, None]:
    """Work on items in threads, and give the results in the order of the items.

    The thread that takes the results also takes the items, and only while there is room. So stages
    can be chained, and the slowest one sets the pace of all. Closing the generator ends what has
    begun and drops the rest.

    Args:
        items: May be endless; what they raise is raised after all items before.
        work: What it raises is raised here, in the item's place.
        threads: Items that are worked on at the same time.
        ahead: Items that are begun before their results are taken.
        prepare: Called once in each thread, before its first item.
    """
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, initializer=prepare) as pool:
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
    """Group neighbors that have the same key; no item waits longer than it must.

    Args:
        items: Taken one at a time, and no further than the group that is given.
        key: None for an item that stays alone; not called where groups have one item.
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
    """Bounds the pixels that are under way: lets photos in by turns, while they fit.

    A photo that is alone gets in, however large it is. The turns prevent a photo inside from
    waiting for one outside.

    Args:
        pixels: Of all photos that are in at the same time.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._used = 0
        self._turns = count()
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

    @contextmanager
    def held(self, pixels: int) -> Iterator[None]:
        """Enter in the order of such calls, and leave at the end.

        Args:
            pixels: Of the photo. Callers either use this or count the turns for `enter`.
        """
        self.enter(next(self._turns), pixels)
        try:
            yield
        finally:
            self.leave(pixels)

    def take(self, pixels: int) -> None:
        """Take up room without waiting, even if there is none."""
        self.leave(-pixels)

    def leave(self, pixels: int) -> None:
        """Give room back."""
        with self._changed:
            self._used -= pixels
            self._changed.notify_all()

    def close(self) -> None:
        """Let all waiting threads in: their results will not be used."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _may_enter(self, turn: int, pixels: int) -> bool:
        fits = self._used == 0 or self._used + pixels <= self._pixels
        return turn == self._turn and fits
