"""The photos of a run on their way: read, parsed and written, each stage beside the others."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from grapy_cli.errors import PhotoError
from grapy_cli.predict.film.video import parse_video
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.parsing import Parsing
from grapy_cli.predict.photos import ReadPhoto, read_size
from grapy_cli.predict.pipeline import Room, in_order
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.predict.write.results import describe
from grapy_cli.runtime.reporting import Reporter, silence

PIXELS_IN_THE_AIR = 48_000_000
"""Of all photos that are read and not yet written; a larger one goes through alone."""

_THREADS = 2
_AHEAD = 3


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
    """A photo between two stages; it fills its room."""

    task: Task
    pixels: int
    digest: str
    seconds: float
    reading: ReadPhoto | None = None
    parsings: Mapping[str, Parsing] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """How photos are done.

    The network works in the thread that takes the outcomes, reading and writing in others.
    """

    parser: HumanParser
    plan: Plan
    known: Mapping[str, str] = field(default_factory=dict)
    """Rows of earlier runs by source, as JSON."""
    report: Reporter = silence
    """Hears how far a video is; outcomes speak for themselves."""

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

        def read(task: Task) -> Outcome | _Held:
            return self._read(task, room)

        def write(held: Outcome | _Held) -> Outcome:
            return held if isinstance(held, Outcome) else self._write(held, room)

        def parse(held: Outcome | _Held) -> Outcome | _Held | None:
            if isinstance(held, Outcome):
                return held
            if held.reading is None:
                return self._film(held, stop_asked)
            return self._parse(held, held.reading)

        readings = in_order(tasks, read, threads=_THREADS, ahead=_AHEAD)
        with closing(readings), closing(room):
            wanted = takewhile(lambda _: not stop_asked(), readings)
            parsed = (held for held in map(parse, wanted) if held is not None)
            yield from in_order(parsed, write, threads=_THREADS, ahead=_AHEAD)

    def _read(self, task: Task, room: Room) -> Outcome | _Held:
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
        return _Held(task, pixels, digest, time.perf_counter() - begun, reading)

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

    def _parse(self, held: _Held, reading: ReadPhoto) -> _Held:
        begun = time.perf_counter()
        parsings = self.parser.parse_all(reading, self.plan.datasets)
        seconds = held.seconds + time.perf_counter() - begun
        return _Held(held.task, held.pixels, held.digest, seconds, parsings=parsings)

    def _write(self, held: _Held, room: Room) -> Outcome:
        begun = time.perf_counter()
        try:
            files = self.plan.results.write(held.parsings, held.task.name)
            row = {"files": files, **describe(held.parsings)}
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
