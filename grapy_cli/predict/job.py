"""The photos of a run on their way: read, parsed and written, each stage beside the others."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from grapy_cli.errors import PhotoError
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.parsing import Parsing
from grapy_cli.predict.photos import ReadPhoto, read_size
from grapy_cli.predict.pipeline import Room, in_order
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.predict.results import describe

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

        readings = in_order(tasks, read, threads=_THREADS, ahead=_AHEAD)
        with closing(readings), closing(room):
            wanted = takewhile(lambda _: not stop_asked(), readings)
            yield from in_order(map(self._parse, wanted), write, threads=_THREADS, ahead=_AHEAD)

    def _read(self, task: Task, room: Room) -> Outcome | _Held:
        begun, pixels, entered = time.perf_counter(), 0, False
        try:
            digest, row = self.plan.check(task, self.known)
            if row is not None:
                return Outcome(task, row, was_done=True)
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

    def _parse(self, held: Outcome | _Held) -> Outcome | _Held:
        if isinstance(held, Outcome) or held.reading is None:
            return held
        begun = time.perf_counter()
        parsings = self.parser.parse_all(held.reading, self.plan.datasets)
        seconds = held.seconds + time.perf_counter() - begun
        return _Held(held.task, held.pixels, held.digest, seconds, parsings=parsings)

    def _write(self, held: _Held, room: Room) -> Outcome:
        begun = time.perf_counter()
        try:
            files = self.plan.results.write(held.parsings, held.task.name)
            row = {"source": str(held.task.photo), "files": files, **describe(held.parsings)}
        except PhotoError as error:
            return _failure(held.task, error)
        finally:
            room.leave(held.pixels)
        seconds = round(held.seconds + time.perf_counter() - begun, 4)
        keys = {"sha256": held.digest, "recipe": self.plan.recipe}
        return Outcome(held.task, {**row, "seconds": seconds, **keys})


def _failure(task: Task, error: PhotoError) -> Outcome:
    return Outcome(task, {"source": str(task.photo), "reason": error.message})
