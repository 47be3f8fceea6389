"""The training loop: steps, and what is due between them."""

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import torch
from torch import nn

from grapy_cli.data.sample import Batch
from grapy_cli.errors import InterruptedRun
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.runtime.world import World
from grapy_cli.train.checkpoints import Progress, Trained
from grapy_cli.train.events import CheckpointSaved, EpochScored, StepDone
from grapy_cli.train.guards import NotFinite
from grapy_cli.train.losses import Losses

Score = Callable[[], dict[str, float]]
"""Scores the weights as they are: mean IoU by data set, of those that have a val split."""
Save = Callable[[Progress, str], Path]


@dataclass(frozen=True)
class Pace:
    """How long a run is, and what it does how often."""

    epochs: int
    steps_per_epoch: int
    score_every: int
    """Epochs; 0 scores after the last alone."""
    save_every: int
    """Steps; 0 saves after each epoch."""

    def scores_after(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, ends with a scoring."""
        last = epoch + 1 == self.epochs
        return last or bool(self.score_every and (epoch + 1) % self.score_every == 0)

    def saves_after(self, step: int) -> bool:
        """Whether a checkpoint is due after so many steps."""
        return bool(self.save_every and step % self.save_every == 0)


@dataclass(frozen=True)
class TrainingJob:
    """Everything the loop needs, built."""

    trained: Trained
    learner: nn.Module
    rate: Callable[[int], float]
    clip: float
    batches: Callable[[int, int], Generator[Batch, None, None]]
    """The batches from a step of an epoch on to the end of the run; closing them ends workers."""
    device: torch.device
    pace: Pace
    score: Score
    save: Save
    world: World

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Learn from one batch, and return its losses by data set and kind: "cihp/main".

        Raises:
            DivergedError: If a process' loss is no finite number; the parameters are as before
                the step.
        """
        batch = batch.to(self.device)
        losses: dict[str, Losses] = self.learner(batch)
        total = torch.stack([loss.total for loss in losses.values()]).sum()
        if self.world.any(not math.isfinite(total.item())):
            raise _diverged(
                f"the loss at step {step} is {total.item()} (data: {', '.join(losses)}; photos: "
                f"{', '.join(batch.keys)})",
                _numbers(losses),
            )
        optimizer = self.trained.optimizer
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step)
        optimizer.zero_grad()
        total.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.learner.parameters(), self.clip)
        optimizer.step()
        if self.trained.average:
            self.trained.average.update(self.trained.network, step)
        return _numbers(losses)


def fit(
    job: TrainingJob, progress: Progress, report: Reporter, stop_asked: Callable[[], bool]
) -> Progress:
    """Train until the last epoch, scoring and saving on the way.

    Raises:
        InterruptedRun: If a stop was asked for; the step is finished and everything saved.
        DivergedError: If the loss is no longer finite.
    """
    with closing(job.batches(progress.epoch, progress.step_in_epoch)) as batches:
        while progress.epoch < job.pace.epochs:
            job.learner.train()
            clock = time.monotonic()
            for batch in islice(batches, job.pace.steps_per_epoch - progress.step_in_epoch):
                losses = job.step(batch, progress.step)
                progress = progress.after_step()
                now = time.monotonic()
                rate = len(batch.keys) * job.world.size / (now - clock)
                report(_step_done(job, progress, batch.datasets, losses, rate))
                clock = now
                if job.world.any(stop_asked()):
                    _save(job, progress, "last", report)
                    raise InterruptedRun(f"stopped after step {progress.step}; everything is saved")
                if job.pace.saves_after(progress.step):
                    _save(job, progress, "last", report)
            progress = _finish_epoch(job, progress, report)
    return progress


def _finish_epoch(job: TrainingJob, progress: Progress, report: Reporter) -> Progress:
    epoch = progress.epoch
    progress = progress.after_epoch()
    if job.pace.scores_after(epoch) and (scores := job.score()):
        mean = sum(scores.values()) / len(scores)
        is_best = mean > progress.best
        progress = replace(progress, best=max(mean, progress.best))
        report(EpochScored(epoch, progress.step, scores, is_best))
        if is_best:
            _save(job, progress, "best", report)
    if not job.pace.save_every or progress.epoch == job.pace.epochs:
        _save(job, progress, "last", report)
    return progress


def _save(job: TrainingJob, progress: Progress, name: str, report: Reporter) -> None:
    # A finite loss can have infinite gradients; what they left must not replace a good checkpoint.
    if not all(parameter.isfinite().all() for parameter in job.trained.network.parameters()):
        raise _diverged(f"after step {progress.step} there are parameters that are not finite")
    if job.world.is_main:
        report(CheckpointSaved(str(job.save(progress, name)), progress.step))
    job.world.barrier()


def _diverged(what: str, losses: Mapping[str, float] = MappingProxyType({})) -> NotFinite:
    return NotFinite(what, losses)


def _step_done(
    job: TrainingJob,
    progress: Progress,
    datasets: tuple[str, ...],
    losses: Mapping[str, float],
    rate: float,
) -> StepDone:
    return StepDone(
        step=progress.step,
        total=job.pace.epochs * job.pace.steps_per_epoch,
        epoch=progress.epoch,
        datasets=datasets,
        losses={name: round(value, 5) for name, value in losses.items()},
        lr=job.rate(progress.step - 1),
        photos_per_second=round(rate, 2),
    )


def _numbers(losses: Mapping[str, Losses]) -> dict[str, float]:
    return {
        f"{dataset}/{name}": value
        for dataset, loss in losses.items()
        for name, value in loss.values().items()
        if name != "total"
    }
