"""In which order photos are trained on: planned for a whole epoch, the same on every process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from grapy_cli.data.dataset import Draw


class PlannedBatch(NamedTuple):
    """One step's photos, over all processes; they belong to one group."""

    group: int
    indices: tuple[int, ...]


def plan_epoch(
    sizes: Sequence[int], batch_size: int, *, seed: int, epoch: int
) -> list[PlannedBatch]:
    """Cut each group's shuffled photos into whole batches, and shuffle the batches.

    What is left over of a group waits for another epoch's shuffle; a group smaller than one batch
    fills it by starting over.

    Source: reference `Sampler_uni`: batches of one data set each, unbalanced.
    """
    generator = np.random.Generator(np.random.PCG64([seed, epoch]))
    batches = []
    for group, size in enumerate(sizes):
        order = generator.permutation(size)
        order = np.resize(order, max(batch_size, size // batch_size * batch_size))
        batches += [
            PlannedBatch(group, tuple(rows.tolist())) for rows in order.reshape(-1, batch_size)
        ]
    return [batches[index] for index in generator.permutation(len(batches))]


def epoch_steps(sizes: Sequence[int], batch_size: int) -> int:
    """How many batches an epoch has."""
    return sum(max(1, size // batch_size) for size in sizes)


@dataclass(frozen=True)
class RankBatches:
    """What one process loads in an epoch: its share of every batch, from step `start` on."""

    plan: Sequence[PlannedBatch]
    epoch: int
    rank: int = 0
    size: int = 1
    start: int = 0

    def __len__(self) -> int:
        """How many batches are left."""
        return len(self.plan) - self.start

    def __iter__(self) -> Iterator[list[Draw]]:
        """Give the draws of each batch."""
        for batch in self.plan[self.start :]:
            mine = batch.indices[self.rank :: self.size]
            yield [Draw(self.epoch, batch.group, index) for index in mine]
