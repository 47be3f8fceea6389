"""A training run, built: what it learns with, and how one step is made."""

import math
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from grapy_cli.data.sample import Batch
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.runtime.world import World
from grapy_cli.train.checkpoints import Progress, Trained
from grapy_cli.train.guards import NotFinite
from grapy_cli.train.losses import Losses
from grapy_cli.train.schedule import PolySchedule

Score = Callable[[int], dict[str, float]]
"""Scores the weights after so many epochs: mean IoU by data set, of those that have a val split."""
Save = Callable[[Progress, str], Path]
Relabel = Callable[[Reporter], None]
"""Has the weights label the photos of self-training."""


@dataclass(frozen=True)
class Pace:
    """How long a run is, and what it does how often."""

    epochs: int
    steps_per_epoch: int
    score_every: int
    """Epochs; 0 scores after the last alone."""
    save_every: int
    """Steps; 0 saves after each epoch."""
    relabel_every: int = 0
    """Epochs; 0 never does."""

    def scores_after(self, epoch: int) -> bool:
        """Whether an epoch, counted from 0, ends with a scoring."""
        last = epoch + 1 == self.epochs
        return last or bool(self.score_every and (epoch + 1) % self.score_every == 0)

    def relabels_before(self, epoch: int) -> bool:
        """Whether photos of self-training are labelled anew before an epoch, counted from 0."""
        return bool(epoch and self.relabel_every and epoch % self.relabel_every == 0)

    def end_of_labels(self, epoch: int) -> int:
        """The first epoch that does not learn from the labels of this one."""
        every = self.relabel_every
        return min(self.epochs, (epoch // every + 1) * every) if every else self.epochs

    def saves_after(self, step: int) -> bool:
        """Whether a checkpoint is due after so many steps."""
        return bool(self.save_every and step % self.save_every == 0)


@dataclass(frozen=True)
class TrainingJob:
    """Everything the loop needs, built."""

    trained: Trained
    loss_module: nn.Module
    """Gives the losses of a batch; several processes' learn as one."""
    count: Callable[[Batch], dict[str, Tensor]]
    """What the losses of a batch are means over, by data set."""
    label_sources: Callable[[Batch], Mapping[str, Mapping[str, int]]]
    """The pixels that each head learns from in a batch, by where their label comes from."""
    schedule: PolySchedule
    restart: bool
    """Whether the momentum is forgotten where the schedule lowers the rate."""
    clip: float
    accumulate: int
    """Passes a step is made in."""
    batches: Callable[[int, int], Generator[Batch, None, None]]
    """The batches from a step of an epoch on to the end of the run; closing them ends workers."""
    device: torch.device
    pace: Pace
    score: Score
    relabel: Relabel
    save: Save
    world: World

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.schedule.rate(step)

    def step(self, batch: Batch, step: int) -> dict[str, float]:
        """Learn from one batch, and return its losses by data set and kind: "cihp/main".

        They are means over the whole step, whoever computed it in however many passes.

        Raises:
            NotFinite: If a loss is no finite number; the parameters are as before the step.
        """
        parts = [part.to(self.device) for part in batch.parts(self.accumulate)]
        counts = self._count(parts)
        self.trained.optimizer.zero_grad()
        learned = [self._learn(part, counts, last=part is parts[-1]) for part in parts]
        losses = self._summed(learned)
        if not all(map(math.isfinite, losses.values())):
            raise NotFinite(
                f"the loss at step {step} is {sum(losses.values())} (data: "
                f"{', '.join(batch.datasets)}; photos: {', '.join(batch.keys)})",
                losses,
            )
        self._update(step)
        return losses

    def _count(self, parts: list[Batch]) -> dict[str, Tensor]:
        """What the losses of the whole step are means over.

        Divided by the number of processes, because DDP takes the mean of their gradients.
        """
        counted = [self.count(part) for part in parts]
        datasets = list(counted[0])
        sums = torch.stack([sum_of([counts[name] for counts in counted]) for name in datasets])
        return dict(zip(datasets, self.world.sum(sums) / self.world.size, strict=True))

    def _learn(self, part: Batch, counts: Mapping[str, Tensor], *, last: bool) -> dict[str, Tensor]:
        """Add up the gradients of a part; with the last one the processes exchange them."""
        with nullcontext() if last else self._apart():
            losses: dict[str, Losses] = self.loss_module(part, counts)
            total = sum_of([loss.total for loss in losses.values()])
            self.trained.scaler.scale(total).backward()
        return {
            f"{dataset}/{name}": value
            for dataset, loss in losses.items()
            for name, value in loss.values().items()
        }

    def _apart(self) -> AbstractContextManager[None]:
        """Keep gradients to this process for now."""
        loss_module = self.loss_module
        return (
            loss_module.no_sync()
            if isinstance(loss_module, DistributedDataParallel)
            else nullcontext()
        )

    def _summed(self, learned: list[dict[str, Tensor]]) -> dict[str, float]:
        """The losses of the whole step; the one place where a step waits for the device."""
        sums = torch.stack([sum_of([part[name] for part in learned]) for name in learned[0]])
        means = self.world.sum(sums) / self.world.size
        return dict(zip(learned[0], means.tolist(), strict=True))

    def _update(self, step: int) -> None:
        _, optimizer, average, scaler = self.trained
        if self.restart and self.schedule.lowers_at(step):
            optimizer.state.clear()
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step) * group["rate"]
        if self.clip:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(self.loss_module.parameters(), self.clip)
        scaler.step(optimizer)
        scaler.update()
        if average:
            average.update(self.trained.network, step)


def sum_of(values: list[Tensor]) -> Tensor:
    """Add up numbers that lie on a device."""
    return torch.stack(values).sum()
