"""Plan the order of training photos for a whole epoch, the same on every process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, floor
from typing import Literal

import numpy as np
from jaxtyping import Int

from grapy_cli.data.dataset import Draw

Mixing = Literal["alternate", "mixed"]


@dataclass(frozen=True)
class SamplingPlan:
    """The shares of several groups of photos in epochs and steps.

    Alternating steps hold photos of one group each, mixed steps hold photos of every group. If an
    epoch needs more photos than a group has, the group is shuffled again; photos that an epoch does
    not need may come in a later one.

    Source: reference `Sampler_uni`: batches of one data set each, as many as each one fills.
    """

    sizes: tuple[int, ...]
    """Photos of each group."""
    batch_size: int
    """Photos per step, over all processes."""
    seed: int = 0
    mixing: Mixing = "alternate"
    shares: tuple[float, ...] | None = None
    """Relative share of each group in an epoch. None shows no photo twice in alternating steps, and
    follows the groups' sizes in mixed steps."""

    @property
    def steps(self) -> int:
        """Number of steps of an epoch."""
        if self._takes_whole_batches:
            return sum(self._whole_batches())
        return max(1, sum(self.sizes) // self.batch_size)

    @property
    def fractions(self) -> list[Fraction]:
        """Share of each group in an epoch; they add up to 1."""
        shares = [Fraction(share) for share in self.shares or self.sizes]
        return [share / sum(shares) for share in shares]

    def epoch(self, epoch: int) -> list[list[Draw]]:
        """Plan an epoch: for each step its draws, sorted by group."""
        generator = np.random.Generator(np.random.PCG64([self.seed, epoch]))
        counts = self._counts(generator)
        orders = [
            _shuffled(generator, size, total)
            for size, total in zip(self.sizes, counts.sum(0).tolist(), strict=True)
        ]
        ends = counts.cumsum(0)
        steps = [
            [
                Draw(epoch, group, *orders[group][place])
                for group, (start, end) in enumerate(zip(first, last, strict=True))
                for place in range(start, end)
            ]
            for first, last in zip((ends - counts).tolist(), ends.tolist(), strict=True)
        ]
        return [steps[index] for index in generator.permutation(len(steps))]

    def smallest_batch(self, passes: int, least: Fraction | None = None) -> int:
        """Return the photos that a mixed step needs so that each pass sees every group.

        Args:
            passes: Passes of a step, over all processes.
            least: Share of the smallest group that each pass has to see; the smallest of all by
                default.
        """
        needed = ceil(passes / (least or min(self.fractions)))
        return ceil(needed / passes) * passes

    @property
    def _takes_whole_batches(self) -> bool:
        return self.mixing == "alternate" and self.shares is None

    def _whole_batches(self) -> list[int]:
        return [max(1, size // self.batch_size) for size in self.sizes]

    def _counts(self, generator: np.random.Generator) -> Int[np.ndarray, "steps groups"]:
        """Return how many photos of each group each step holds, before steps are shuffled."""
        if self._takes_whole_batches:
            return self._alternating(self._whole_batches())
        steps, offset = self.steps, Fraction(generator.random())
        if self.mixing == "alternate":
            return self._alternating(_apportion(steps, self.fractions, offset))
        totals = np.array(_apportion(steps * self.batch_size, self.fractions, offset))
        # The remainder goes to steps in turn, one group after the other: no step gets two of a
        # group, and all get equally many.
        rest = np.repeat(np.arange(len(totals)), totals % steps).reshape(-1, steps)
        extra = (rest[:, :, None] == np.arange(len(totals))).sum(0)
        return totals // steps + extra

    def _alternating(self, batches: Sequence[int]) -> Int[np.ndarray, "steps groups"]:
        return np.repeat(np.eye(len(batches), dtype=int) * self.batch_size, batches, axis=0)


def _apportion(total: int, fractions: Sequence[Fraction], offset: Fraction) -> list[int]:
    """Divide a number into integers, each less than one away from its exact part.

    They are exact on average over all offsets in [0, 1), so a group that is too small for a batch
    in every epoch gets one in some epochs.
    """
    bounds = [floor(total * reached + offset) for reached in accumulate(fractions)]
    return [end - start for start, end in pairwise([0, *bounds])]


def _shuffled(generator: np.random.Generator, size: int, total: int) -> list[tuple[int, int]]:
    """Yield photos of a group in random order, and how often this epoch showed each before."""
    rounds = -(-total // size)
    photos = [index for _ in range(rounds) for index in generator.permutation(size).tolist()]
    return [(photo, place // size) for place, photo in enumerate(photos[:total])]


@dataclass(frozen=True)
class RankBatches:
    """The draws that one process loads: its share of every step, from a step of an epoch on."""

    sampling: SamplingPlan
    epochs: int
    """Epochs of the whole run."""
    epoch: int = 0
    step: int = 0
    """The first step of `epoch` that is not done."""
    rank: int = 0
    size: int = 1

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield the draws of each step; epochs follow each other without a pause."""
        for epoch in range(self.epoch, self.epochs):
            start = self.step if epoch == self.epoch else 0
            for draws in self.sampling.epoch(epoch)[start:]:
                yield draws[self.rank :: self.size]
