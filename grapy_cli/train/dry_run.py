"""Run `grapy train --dry-run`: estimate a run from two steps and one parsing per data set."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from grapy_cli.errors import SettingsError
from grapy_cli.runtime.device import peak_memory, resident_memory
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.checkpoints import CheckpointFolder, Progress
from grapy_cli.train.job import TrainingJob
from grapy_cli.train.scoring import Scorer
from grapy_cli.train.throughput import Reading, Throughput

STEPS = 2
"""The first one warms up, the last one is measured."""
COUNTED = 8
"""Batches in which pixels are counted by where their label comes from."""

Sources = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Estimate:
    """The estimate of a run, from its first steps."""

    photos: Mapping[str, int]
    """To train on, by data set."""
    to_label: int
    """Photos that a teacher labels first; the estimate of time leaves this out."""
    steps: int
    """That are left."""
    batch_size: int
    seconds_per_step: float
    waited: float
    """Share of a step spent waiting for data."""
    seconds_per_scoring: float
    scorings: int
    checkpoint: int
    """Size on disk, bytes."""
    seconds: float
    """Of the whole run: steps, scorings and checkpoints."""
    memory: int | None
    """Peak memory of the main process, bytes: of the GPU if there is one; None if unknown."""
    on_gpu: bool
    label_sources: Sources
    """Where the labels of each head's pixels come from, as shares in [0, 1] of the first steps."""


def estimate_run(
    job: TrainingJob,
    progress: Progress,
    score: Scorer,
    checkpoints: CheckpointFolder,
    photos: Mapping[str, int],
    to_label: int = 0,
) -> Estimate:
    """Do a little of everything that a run does, and keep nothing.

    Args:
        photos: To train on, by data set.
        to_label: How many of them have no label maps yet.

    Raises:
        SettingsError: If the run is finished.
        DivergedError: If a loss is not finite.
    """
    reading, batch_size, sources = _steps(job, progress)
    start = monotonic()
    tried = score.try_out()
    parsing = (monotonic() - start) / max(1, tried)
    to_score = sum(len(dataset.keys("val")) for dataset in score.datasets.values())
    scoring = parsing * ceil(to_score / job.world.size)
    start = monotonic()
    with TemporaryDirectory() as scratch:
        written = replace(checkpoints, folder=RunFolder(Path(scratch)))
        saved = written.save(job.trained, progress, "last")
        checkpoint = sum(file.stat().st_size for file in saved.iterdir())
    saving = monotonic() - start

    pace = job.pace
    epochs = range(progress.epoch, pace.epochs)
    steps = pace.steps - progress.step
    scorings = sum(map(pace.scores_after, epochs)) if to_score else 0
    saves = steps // pace.save_every if pace.save_every else len(epochs)
    on_gpu = peak_memory(job.device)
    return Estimate(
        photos=photos,
        to_label=to_label,
        steps=steps,
        batch_size=batch_size,
        seconds_per_step=reading.seconds,
        waited=reading.waited,
        seconds_per_scoring=scoring,
        scorings=scorings,
        checkpoint=checkpoint,
        seconds=steps * reading.seconds + scorings * scoring + saves * saving,
        memory=resident_memory() if on_gpu is None else on_gpu,
        on_gpu=on_gpu is not None,
        label_sources=sources,
    )


def _steps(job: TrainingJob, progress: Progress) -> tuple[Reading, int, Sources]:
    throughput = Throughput(steps=1)
    reading = None
    counts: dict[str, Counter[str]] = {}
    module = job.plain_loss_module
    job.loss_module.train()
    begun = progress.epoch, progress.step_in_epoch
    with closing(job.batches(*begun, lambda _: None)) as batches:
        for index, batch in enumerate(throughput.waiting_for(islice(batches, COUNTED))):
            if index < STEPS:
                job.step(batch, progress.step + index)
                photos = len(batch.keys) * job.world.size
                reading = throughput.read(photos)
            targets = module.targets_of(batch.to(job.device))
            for head, found in module.targets.sources(targets).items():
                counts.setdefault(head, Counter()).update(found)
    if reading is None:
        raise SettingsError("the run is finished: no step is left")
    shares = {
        head: {name: pixels / found.total() for name, pixels in found.items()}
        for head, found in counts.items()
    }
    return reading, photos, shares
