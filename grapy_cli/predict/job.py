"""Process each photo of `predict`: skip it if it is done, else parse it and write its files."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sized
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from grapy_cli.errors import PhotoError
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.stream import (
    ONE_BY_ONE,
    OtherWork,
    ParsedPhoto,
    ParseRequest,
    Parsings,
    PhotoStream,
    Request,
    threads_for,
)
from grapy_cli.predict.outputs.photo_results import describe
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.predict.video.read import Frame, parse_video
from grapy_cli.runtime.reporting import Reporter, silence


@dataclass(frozen=True)
class Outcome:
    """The result of one photo."""

    row: Mapping[str, Any]
    """Its row of the manifest; that of a failure has a `reason`."""
    was_done: bool = False
    """Whether an earlier run parsed it."""

    @property
    def has_failed(self) -> bool:
        """Whether it could not be read or written."""
        return "reason" in self.row


@dataclass(frozen=True)
class Job:
    """Processes the photos of a run."""

    parser: HumanParser
    plan: Plan
    known: Mapping[str, bytes] = field(default_factory=dict)
    """Rows of earlier runs by source, as JSON."""
    report: Reporter = silence
    """Gets the progress of a video; outcomes report themselves."""
    batch: int = 1
    """Most neighbors of one size for the network that are parsed together."""

    def run(
        self, tasks: Iterable[Task], stop_asked: Callable[[], bool]
    ) -> Generator[Outcome, None, None]:
        """Do the tasks, in order.

        Args:
            tasks: Any number; only a few are taken ahead.
            stop_asked: When it says yes, no further photo is parsed; what was parsed is written.

        Raises:
            DeviceError: If the device does not have enough memory for a photo.
            OSError: If results cannot be written at all.
        """

        def request(task: Task) -> Request[Outcome | None]:
            return self._request(task, stop_asked)

        is_single = isinstance(tasks, Sized) and len(tasks) == 1  # all cores work on it
        threads = ONE_BY_ONE if is_single else threads_for(self.parser)
        stream = PhotoStream(request, threads, self.batch)
        with closing(stream.run(tasks, stop_asked)) as outcomes:
            yield from (outcome for outcome in outcomes if outcome is not None)

    def _request(self, task: Task, stop_asked: Callable[[], bool]) -> Request[Outcome | None]:
        begun = time.perf_counter()
        try:
            digest, row = self.plan.check(task, self.known)
        except PhotoError as error:
            return OtherWork(partial(_failure, task, error))
        if row is not None:
            return OtherWork(partial(Outcome, row, was_done=True))
        checked = time.perf_counter() - begun
        if task.photo.is_video:
            return OtherWork(partial(self._parse_video, task, digest, checked, stop_asked))

        def finish(found: ParsedPhoto | PhotoError) -> Outcome:
            if isinstance(found, PhotoError):
                return _failure(task, found)
            return self._write(task, digest, found, checked + found.seconds)

        return ParseRequest(self.parser, task.photo.source, self.plan.datasets, finish)

    def _write(self, task: Task, digest: str, parsed: ParsedPhoto, seconds: float) -> Outcome:
        """Write the files of a photo; `seconds` were spent on it before."""
        begun = time.perf_counter()
        try:
            files = self.plan.results.write(parsed.parsings, task.name)
            notes = {"notes": list(parsed.reading.notes)} if parsed.reading.notes else {}
            row = {"files": files, **notes, **describe(parsed.parsings)}
        except PhotoError as error:
            return _failure(task, error)
        return self._outcome(task, digest, row, seconds + time.perf_counter() - begun)

    def _parse_video(
        self, task: Task, digest: str, seconds: float, stop_asked: Callable[[], bool]
    ) -> Outcome | None:
        """Process a video, frame by frame; None if a signal stopped it."""
        begun = time.perf_counter()
        results, source = self.plan.results.of_video, Path(str(task.photo))
        try:
            row = parse_video(
                source, self._parse_frames, results, task.name, stop_asked, self.report
            )
        except PhotoError as error:
            return _failure(task, error)
        if row is None:
            return None
        return self._outcome(task, digest, row, seconds + time.perf_counter() - begun)

    def _parse_frames(
        self, frames: Iterable[Frame]
    ) -> Generator[tuple[Frame, Parsings], None, None]:
        def request(frame: Frame) -> Request[tuple[Frame, Parsings]]:
            return ParseRequest(
                self.parser, frame.pixels, self.plan.datasets, partial(_with_parsings, frame)
            )

        return PhotoStream(request, threads_for(self.parser)).run(frames)

    def _outcome(self, task: Task, digest: str, row: Mapping[str, Any], seconds: float) -> Outcome:
        source = {"source": str(task.photo)}
        keys = {"sha256": digest, "recipe": self.plan.recipe, "weights": self.plan.weights}
        return Outcome({**source, **row, "seconds": round(seconds, 4), **keys})


def _with_parsings(frame: Frame, found: ParsedPhoto | PhotoError) -> tuple[Frame, Parsings]:
    if isinstance(found, PhotoError):
        raise found
    return frame, found.parsings


def _failure(task: Task, error: PhotoError) -> Outcome:
    return Outcome({"source": str(task.photo), "reason": error.message})
