"""One way of parsing photos, measured several times."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch

from grapy_cli.bench.machine import forget_peak, process_peak
from grapy_cli.errors import PhotoError
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.stream import in_groups
from grapy_cli.predict.job import Job
from grapy_cli.predict.manifest import Shard
from grapy_cli.predict.outputs.photo_results import describe
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.runtime.device import peak_memory
from grapy_cli.runtime.profiler import Profiler


@dataclass(frozen=True)
class Round:
    """Measurements of parsing all photos twice: one by one, and as a folder."""

    latencies: tuple[float, ...]
    """Seconds of each photo, or of each batch of photos, from the file to the mask's file."""
    cpu_seconds: float
    """Processor time of all threads per photo."""
    stages: Mapping[str, float]
    """Seconds of each stage, over all photos."""
    photos_per_second: float
    """Of the folder, where reading, parsing and writing overlap."""
    process_peak: int | None
    gpu_peak: int | None
    """Bytes."""


@dataclass(frozen=True)
class Contestant:
    """A parser and the photos to parse; the plan says where their masks go."""

    parser: HumanParser
    plan: Plan
    batch: int = 1
    """As `Job.batch`."""

    def parse_once(self) -> None:
        """Parse every photo once to warm up: memory is allocated and kernels are chosen.

        Raises:
            PhotoError: If one cannot be read.
        """
        for tasks in self._batches:
            self._parse(tasks)

    def measure(self) -> Round:
        """Parse all photos one by one, then as a folder."""
        batches, count = self._batches, len(self._tasks)
        watch = Profiler(self._wait)
        forget_peak(self.parser.device)
        begun = time.process_time()
        with watch.running():
            latencies = tuple(_seconds(partial(self._parse, tasks)) for tasks in batches)
        cpu_seconds = (time.process_time() - begun) / count
        pace = count / _seconds(self._parse_folder)
        peaks = process_peak(), peak_memory(self.parser.device)
        return Round(latencies, cpu_seconds, watch.seconds, pace, *peaks)

    @property
    def _tasks(self) -> list[Task]:
        return self.plan.tasks(Shard())

    @cached_property
    def _batches(self) -> list[list[Task]]:

        def size(task: Task) -> tuple[int, int]:
            return self.parser.size_of(self.parser.read(task.photo.source))

        return list(in_groups(self._tasks, size, self.batch))

    def _parse(self, tasks: Sequence[Task]) -> None:
        readings = [self.parser.read(task.photo.source) for task in tasks]
        parsed = self.parser.parse_together(readings, self.plan.datasets)
        for task, parsings in zip(tasks, parsed, strict=True):
            self.plan.results.write(parsings, task.name)
            describe(parsings)

    def _parse_folder(self) -> None:
        job = Job(self.parser, self.plan, batch=self.batch)
        for outcome in job.run(self._tasks, lambda: False):
            if outcome.has_failed:
                raise PhotoError(outcome.row["reason"])

    def _wait(self) -> None:
        if self.parser.device.type == "cuda":
            torch.cuda.synchronize(self.parser.device)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
