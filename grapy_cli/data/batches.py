"""In which order photos are trained on: planned for a whole epoch, the same on every process."""

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
Sampling = Literal["proportional", "balanced"]


@dataclass(frozen=True)
class SamplingPlan:
    """How the photos of several groups make up epochs and steps.

    Alternating steps hold photos of one group each, mixed steps hold some of every group. A group
    that an epoch asks more of than it has starts over with another shuffle; what it is not asked
    for waits for another epoch's.

    Source: reference `Sampler_uni`: batches of one data set each, as many as each one fills.
    """

    sizes: tuple[int, ...]
    """Photos of each group."""
    batch_size: int
    """Photos per step, over all processes."""
    seed: int = 0
    mixing: Mixing = "alternate"
    shares: tuple[float, ...] | None = None
    """What part of an epoch each group makes up, in any unit; None shows no photo twice where
    steps alternate, and goes by the sizes where they are mixed."""

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        if self._takes_whole_batches:
            return sum(self._whole_batches())
        return max(1, sum(self.sizes) // self.batch_size)

    @property
    def fractions(self) -> list[Fraction]:
        """What part of an epoch each group makes up, exactly; they add up to 1."""
        shares = [Fraction(share) for share in self.shares or self.sizes]
        return [share / sum(shares) for share in shares]

    def epoch(self, epoch: int) -> list[list[Draw]]:
        """Plan an epoch: for each step its draws, those of a group side by side."""
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
        """Photos a mixed step needs, so that each of so many passes sees every group.

        Args:
            passes: Of a step, over all processes.
            least: Part of an epoch that the smallest group makes up which has to be seen; the
                smallest of all unless said.
        """
        needed = ceil(passes / (least or min(self.fractions)))
        return ceil(needed / passes) * passes

    @property
    def _takes_whole_batches(self) -> bool:
        return self.mixing == "alternate" and self.shares is None

    def _whole_batches(self) -> list[int]:
        return [max(1, size // self.batch_size) for size in self.sizes]

    def _counts(self, generator: np.random.Generator) -> Int[np.ndarray, "steps groups"]:
        """How many photos of each group each step holds, before steps are shuffled."""
        if self._takes_whole_batches:
            return self._alternating(self._whole_batches())
        steps, offset = self.steps, Fraction(generator.random())
        if self.mixing == "alternate":
            return self._alternating(_apportion(steps, self.fractions, offset))
        totals = np.array(_apportion(steps * self.batch_size, self.fractions, offset))
        # What does not divide goes to steps in turn, one group after the other: no step gets two
        # of a group, and all get equally many.
        rest = np.repeat(np.arange(len(totals)), totals % steps).reshape(-1, steps)
        extra = (rest[:, :, None] == np.arange(len(totals))).sum(0)
        return totals // steps + extra

    def _alternating(self, batches: Sequence[int]) -> Int[np.ndarray, "steps groups"]:
        return np.repeat(np.eye(len(batches), dtype=int) * self.batch_size, batches, axis=0)


def _apportion(total: int, fractions: Sequence[Fraction], offset: Fraction) -> list[int]:
    """Cut a number into whole ones, each less than one off its exact part.

    Over all offsets in [0, 1) they are right on average, so a group too small for a batch of every
    epoch gets one in some.
    """
    bounds = [floor(total * reached + offset) for reached in accumulate(fractions)]
    return [end - start for start, end in pairwise([0, *bounds])]


def _shuffled(generator: np.random.Generator, size: int, total: int) -> list[tuple[int, int]]:
    """Photos of a group in a random order, and how often each was shown before in this epoch."""
    rounds = -(-total // size)
    photos = [index for _ in range(rounds) for index in generator.permutation(size).tolist()]
    return [(photo, place // size) for place, photo in enumerate(photos[:total])]


@dataclass(frozen=True)
class RankBatches:
    """What one process loads of a run: its share of every step, from a step of an epoch on."""

    sampling: SamplingPlan
    epochs: int
    """Of the whole run."""
    epoch: int = 0
    step: int = 0
    """The first step of `epoch` that is still to be made."""
    rank: int = 0
    size: int = 1

    def __iter__(self) -> Iterator[list[Draw]]:
        """Give the draws of each step; epochs follow one another without a break."""
        for epoch in range(self.epoch, self.epochs):
            start = self.step if epoch == self.epoch else 0
            for draws in self.sampling.epoch(epoch)[start:]:
                yield draws[self.rank :: self.size]
