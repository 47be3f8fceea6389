"""The photos of a run on their way: read, parsed and written, each stage beside the others."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from grapy_cli.errors import PhotoError
from grapy_cli.image_io.photos import ReadPhoto, read_size
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.parsing import Parsing
from grapy_cli.inference.stream import Room, in_groups, in_order
from grapy_cli.predict.outputs.photo_results import describe
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.predict.video.read import parse_video
from grapy_cli.runtime.reporting import Reporter, silence

PIXELS_IN_THE_AIR = 48_000_000
"""Of all photos that are read and not yet written; a larger one goes through alone."""

_THREADS = 2
_AHEAD = 3
_THREADS_ON_GPU = 4
"""Of each stage: what a thread does beside waiting for the card takes longer than the card does."""


@dataclass(frozen=True)
class Outcome:
    """A photo that needs no more work."""

    task: Task
    row: Mapping[str, Any]
    """Of the manifest; that of a photo that failed has a `reason`."""
    was_done: bool = False
    """An earlier run did it."""

    @property
    def has_failed(self) -> bool:
        """Whether it could not be read or written."""
        return "reason" in self.row


@dataclass(frozen=True)
class _Held:
    """A photo between two stages, or a video; it fills its room."""

    task: Task
    pixels: int
    digest: str
    seconds: float


@dataclass(frozen=True)
class _Read(_Held):
    reading: ReadPhoto


@dataclass(frozen=True)
class _Parsed(_Held):
    parsings: Mapping[str, Parsing]
    notes: tuple[str, ...]
    """Choices that were made while the photo was read."""


_Photo = Outcome | _Held


@dataclass(frozen=True)
class Job:
    """How photos are done.

    The network works in the thread that takes the outcomes, reading and writing in others. For a
    card several threads parse, each writing what it parsed, so that the next photo is on its way
    while one is worked on.
    """

    parser: HumanParser
    plan: Plan
    known: Mapping[str, str] = field(default_factory=dict)
    """Rows of earlier runs by source, as JSON."""
    report: Reporter = silence
    """Hears how far a video is; outcomes speak for themselves."""
    batch: int = 1
    """Neighbours of one size for the network that are parsed together, at most."""

    def run(
        self, tasks: Iterable[Task], stop_asked: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """Do the tasks, in order.

        Args:
            tasks: They may be any number: a few are held at a time.
            stop_asked: Whether to begin nothing more; what was parsed is still written.

        Raises:
            DeviceError: If memory does not suffice for a photo.
            OSError: If nothing can be written any more.
        """
        room = Room(PIXELS_IN_THE_AIR)

        def read(task: Task) -> _Photo:
            return self._read(task, room)

        def write(one: Outcome | _Parsed) -> Outcome:
            return one if isinstance(one, Outcome) else self._write(one, room)

        def parse(group: Sequence[_Photo]) -> Sequence[Outcome | _Parsed]:
            return self._parse(group, stop_asked)

        def finish(group: Sequence[_Photo]) -> list[Outcome]:
            return [write(one) for one in parse(group)]

        threads, ahead = (_THREADS_ON_GPU,) * 2 if self.parser.is_on_gpu else (_THREADS, _AHEAD)
        readings = in_order(tasks, read, threads=threads, ahead=ahead + self.batch - 1)
        with closing(readings), closing(room):
            wanted = takewhile(lambda _: not stop_asked(), readings)
            groups = self._gather(wanted, room) if self.batch > 1 else ([one] for one in wanted)
            if self.parser.is_on_gpu:
                with closing(in_order(groups, finish, threads=threads, ahead=ahead)) as done:
                    yield from chain.from_iterable(done)
            else:
                parsed = chain.from_iterable(map(parse, groups))
                yield from in_order(parsed, write, threads=threads, ahead=ahead)

    def _gather(self, readings: Iterable[_Photo], room: Room) -> Iterator[list[_Photo]]:
        """Put photos together that may be parsed together.

        While a photo waits for company its room is free: the company may be waiting for it.
        """

        def lend(one: _Photo) -> _Photo:
            room.leave(_pixels_of(one))
            return one

        def size(one: _Photo) -> tuple[int, int] | None:
            return self.parser.size_of(one.reading) if isinstance(one, _Read) else None

        for group in in_groups(map(lend, readings), size, self.batch):
            room.take(sum(map(_pixels_of, group)))
            yield group

    def _read(self, task: Task, room: Room) -> _Photo:
        begun, pixels, entered = time.perf_counter(), 0, False
        try:
            digest, row = self.plan.check(task, self.known)
            if row is not None:
                return Outcome(task, row, was_done=True)
            if task.photo.is_video:
                return _Held(task, 0, digest, time.perf_counter() - begun)
            height, width = read_size(task.photo.source)
            room.enter(task.turn, height * width)
            pixels, entered = height * width, True
            reading = self.parser.read(task.photo.source)
        except PhotoError as error:
            room.leave(pixels)
            return _failure(task, error)
        finally:
            if not entered:
                room.enter(task.turn, 0)
        return _Read(task, pixels, digest, time.perf_counter() - begun, reading)

    def _film(self, held: _Held, stop_asked: Callable[[], bool]) -> Outcome | None:
        """Do a video, a frame at a time; none if it was stopped."""
        begun = time.perf_counter()
        results, name = self.plan.results.of_video, held.task.name
        source = Path(str(held.task.photo))
        try:
            row = parse_video(source, self._parse_frame, results, name, stop_asked, self.report)
        except PhotoError as error:
            return _failure(held.task, error)
        if row is None:
            return None
        return self._outcome(held, row, held.seconds + time.perf_counter() - begun)

    def _parse_frame(self, pixels: UInt8[np.ndarray, "h w 3"]) -> dict[str, Parsing]:
        return self.parser.parse_all(pixels, self.plan.datasets)

    def _parse(
        self, group: Sequence[_Photo], stop_asked: Callable[[], bool]
    ) -> Sequence[Outcome | _Parsed]:
        photos = [one for one in group if isinstance(one, _Read)]
        if photos:
            return self._parse_photos(photos)
        ended = (one if isinstance(one, Outcome) else self._film(one, stop_asked) for one in group)
        return [outcome for outcome in ended if outcome is not None]

    def _parse_photos(self, photos: Sequence[_Read]) -> list[_Parsed]:
        begun = time.perf_counter()
        parsed = self.parser.parse_together([it.reading for it in photos], self.plan.datasets)
        seconds = (time.perf_counter() - begun) / len(photos)
        return [
            _Parsed(it.task, it.pixels, it.digest, it.seconds + seconds, parsings, it.reading.notes)
            for it, parsings in zip(photos, parsed, strict=True)
        ]

    def _write(self, held: _Parsed, room: Room) -> Outcome:
        begun = time.perf_counter()
        try:
            files = self.plan.results.write(held.parsings, held.task.name)
            notes = {"notes": list(held.notes)} if held.notes else {}
            row = {"files": files, **notes, **describe(held.parsings)}
        except PhotoError as error:
            return _failure(held.task, error)
        finally:
            room.leave(held.pixels)
        return self._outcome(held, row, held.seconds + time.perf_counter() - begun)

    def _outcome(self, held: _Held, row: Mapping[str, Any], seconds: float) -> Outcome:
        source = {"source": str(held.task.photo)}
        keys = {"sha256": held.digest, "recipe": self.plan.recipe}
        return Outcome(held.task, {**source, **row, "seconds": round(seconds, 4), **keys})


def _failure(task: Task, error: PhotoError) -> Outcome:
    return Outcome(task, {"source": str(task.photo), "reason": error.message})


def _pixels_of(one: _Photo) -> int:
    return one.pixels if isinstance(one, _Held) else 0
