"""One way of parsing photos, measured again and again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch

from grapy_cli.bench.memory import card_peak, forget_peak, process_peak
from grapy_cli.errors import PhotoError
from grapy_cli.predict.job import Job
from grapy_cli.predict.manifest import Shard
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.predict.write.results import describe
from grapy_cli.runtime.stopwatch import Stopwatch


@dataclass(frozen=True)
class Round:
    """What was measured when all photos were parsed once one by one, and once as a folder."""

    latencies: tuple[float, ...]
    """Seconds of each photo by itself, from the file to the mask's file."""
    cpu_seconds: float
    """Processor time of a photo, all threads together, mean over the photos."""
    stages: Mapping[str, float]
    """Seconds of each stage, over all photos."""
    photos_per_second: float
    """Of the folder: the next photos are read and the last ones written meanwhile."""
    process_peak: int | None
    card_peak: int | None
    """Bytes."""


@dataclass(frozen=True)
class Contestant:
    """A parser and the photos it is to parse; their masks stay where the plan says."""

    parser: HumanParser
    plan: Plan

    def parse_once(self) -> None:
        """Parse every photo: the first time, memory is fetched and kernels are chosen.

        Raises:
            PhotoError: If one cannot be read.
        """
        for task in self._tasks:
            self._parse(task)

    def measure(self) -> Round:
        """Parse all photos one by one, then as a folder."""
        watch = Stopwatch(self._wait)
        forget_peak(self.parser.device)
        begun = time.process_time()
        with watch.running():
            latencies = tuple(_seconds(partial(self._parse, task)) for task in self._tasks)
        cpu_seconds = (time.process_time() - begun) / len(latencies)
        pace = len(latencies) / _seconds(self._parse_folder)
        device = self.parser.device
        peaks = process_peak(), card_peak(device)
        return Round(latencies, cpu_seconds, watch.seconds, pace, *peaks)

    @property
    def _tasks(self) -> list[Task]:
        return self.plan.tasks(Shard())

    def _parse(self, task: Task) -> None:
        reading = self.parser.read(task.photo.source)
        parsings = self.parser.parse_all(reading, self.plan.datasets)
        self.plan.results.write(parsings, task.name)
        describe(parsings)

    def _parse_folder(self) -> None:
        for outcome in Job(self.parser, self.plan).run(self._tasks, lambda: False):
            if outcome.has_failed:
                raise PhotoError(outcome.row["reason"])

    def _wait(self) -> None:
        if self.parser.device.type == "cuda":
            torch.cuda.synchronize(self.parser.device)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
