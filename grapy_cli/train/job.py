"""A training run: its parts, and one step of it."""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from grapy_cli.data.sample import Batch
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.runtime.world import World
from grapy_cli.train.checkpoints import Progress, Trained
from grapy_cli.train.guards import NotFinite
from grapy_cli.train.loss_module import LossModule
from grapy_cli.train.losses import Losses
from grapy_cli.train.schedule import PolySchedule
from grapy_cli.train.targets import Target

Score = Callable[[int, Callable[[], AbstractContextManager[None]]], dict[str, float]]
"""Scores the weights after so many epochs: mean IoU by data set, of those that have a val split.

A signal may end the work inside the context that it gets.
"""
OnWait = Callable[[float], None]
"""Called while no batch comes, with the seconds since the last one."""
Relabel = Callable[[Reporter], None]
"""Labels the photos of self-training with the current weights."""


@dataclass(frozen=True)
class Pace:
    """The length of a run, and how often it scores and saves."""

    epochs: int
    steps_per_epoch: int
    score_every: int
    """Epochs; 0 scores only after the last."""
    save_every: int
    """Steps; 0 saves after each epoch."""
    relabel_every: int = 0
    """Epochs; 0 never does."""

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    def scores_after(self, epoch: int) -> bool:
        """Tell whether an epoch, counted from 0, ends with a scoring."""
        last = epoch + 1 == self.epochs
        return last or bool(self.score_every and (epoch + 1) % self.score_every == 0)

    def relabels_before(self, epoch: int) -> bool:
        """Tell whether photos are labeled again before an epoch, counted from 0."""
        return bool(epoch and self.relabel_every and epoch % self.relabel_every == 0)

    def end_of_labels(self, epoch: int) -> int:
        """Return the first epoch that does not train on the labels of this one."""
        every = self.relabel_every
        return min(self.epochs, (epoch // every + 1) * every) if every else self.epochs

    def saves_after(self, step: int) -> bool:
        """Tell whether a checkpoint is due after so many steps."""
        return bool(self.save_every and step % self.save_every == 0)


@dataclass(frozen=True)
class TrainingJob:
    """Everything that the loop needs."""

    trained: Trained
    loss_module: nn.Module
    """Gives the losses of a batch; those of several processes train together."""
    schedule: PolySchedule
    restart: bool
    """Whether the momentum is reset when the schedule lowers the rate."""
    clip: float
    accumulate: int
    """Passes of a step."""
    batches: Callable[[int, int, OnWait], Generator[Batch, None, None]]
    """The batches from a step of an epoch to the end of the run; closing them ends the workers."""
    device: torch.device
    pace: Pace
    score: Score
    relabel: Relabel
    save: Callable[[Progress, str], Path]
    world: World

    @property
    def plain_loss_module(self) -> LossModule:
        """The loss module without the wrapper for several processes."""
        module = self.loss_module
        plain = module.module if isinstance(module, DistributedDataParallel) else module
        return cast(LossModule, plain)

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Train on one batch, and return its losses by data set and kind: "cihp/main".

        They are means over the whole step, over all processes and passes.

        Raises:
            NotFinite: If a loss is not finite; the parameters are unchanged.
        """
        parts = [part.to(self.device) for part in batch.parts(self.accumulate)]
        targets = [self.plain_loss_module.targets_of(part) for part in parts]
        counts = self._count(targets)
        self.trained.optimizer.zero_grad()
        learned = [
            self._learn(part, own, counts, last=part is parts[-1])
            for part, own in zip(parts, targets, strict=True)
        ]
        losses = self._summed(learned)
        if not all(map(math.isfinite, losses.values())):
            raise NotFinite(
                f"the loss at step {step} is {sum(losses.values())} (data: "
                f"{', '.join(batch.datasets)}; photos: {', '.join(batch.keys)})",
                losses,
            )
        self._update(step)
        return losses

    def _count(self, targets: Sequence[Mapping[str, Target]]) -> dict[str, Tensor]:
        """Return the counts that the losses of the whole step are divided by.

        Divided by the number of processes, because DDP takes the mean of their gradients.
        """
        counted = list(map(self.plain_loss_module.count, targets))
        datasets = list(counted[0])
        sums = torch.stack([sum_of([counts[name] for counts in counted]) for name in datasets])
        return dict(zip(datasets, self.world.sum(sums) / self.world.size, strict=True))

    def _learn(
        self,
        part: Batch,
        targets: Mapping[str, Target],
        counts: Mapping[str, Tensor],
        *,
        last: bool,
    ) -> dict[str, Tensor]:
        """Add up the gradients of a part; with the last one the processes exchange them."""
        exchange: AbstractContextManager[None] = nullcontext()
        if isinstance(self.loss_module, DistributedDataParallel) and not last:
            exchange = self.loss_module.no_sync()
        with exchange:
            losses: dict[str, Losses] = self.loss_module(part, targets, counts)
            total = sum_of([loss.total for loss in losses.values()])
            self.trained.scaler.scale(total).backward()
        return {
            f"{dataset}/{name}": value
            for dataset, loss in losses.items()
            for name, value in loss.values().items()
        }

    def _summed(self, learned: list[dict[str, Tensor]]) -> dict[str, float]:
        """Return the losses of the whole step; only here a step waits for the device."""
        sums = torch.stack([sum_of([part[name] for part in learned]) for name in learned[0]])
        means = self.world.sum(sums) / self.world.size
        return dict(zip(learned[0], means.tolist(), strict=True))

    def _update(self, step: int) -> None:
        _, optimizer, average, scaler = self.trained
        if self.restart and self.schedule.lowers_at(step):
            optimizer.state.clear()
        for group in optimizer.param_groups:
            group["lr"] = self.schedule.rate(step) * group["rate"]
        if self.clip:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(self.loss_module.parameters(), self.clip)
        scaler.step(optimizer)
        scaler.update()
        if average:
            average.update(self.trained.network, step)


def sum_of(values: list[Tensor]) -> Tensor:
    """Add up numbers on a device."""
    return torch.stack(values).sum()
