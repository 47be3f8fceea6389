"""The losses that training minimizes."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped, UInt8
from torch import Tensor
from torch.nn import functional as F

from grapy_cli.labels import IGNORE
from grapy_cli.model.grapy import ParsingLogits
from grapy_cli.settings.sections import LossSettings
from grapy_cli.train.targets import Target, coarse_cross_entropy

PAPER = LossSettings()
"""The paper's weights."""


class Losses(NamedTuple):
    """Mean cross entropies per pixel, and their weighted sum."""

    total: Float[Tensor, ""]
    main: Float[Tensor, ""]
    refined: Float[Tensor, ""] | None
    coarse: Float[Tensor, ""] | None = None
    """At levels 2 and 1, both parsings together."""

    def values(self) -> dict[str, Float[Tensor, ""]]:
        """Return the losses by name, without their sum and without gradients."""
        named = self._asdict().items()
        return {name: loss.detach() for name, loss in named if name != "total" and loss is not None}


def parsing_loss(
    logits: ParsingLogits,
    target: Target,
    *,
    allowed: Bool[Tensor, "k p"] | None = None,
    weights: LossSettings = PAPER,
    lifts: Sequence[Sequence[int]] = (),
    part_weights: Float[Tensor, " p"] | None = None,
    count: Float[Tensor, ""] | None = None,
) -> Losses:
    """Compute the losses of both parsings of a label set; 255 is ignored.

    Args:
        logits: Of the photos, at the size of the target.
        allowed: The parts that each word of the target's coarse labels allows.
        lifts: For each coarse level, the node each part belongs to.
        part_weights: How much the pixels of each part count; alike where there are none.
        count: What the mean is taken over where these photos are not all of it; see `count_labels`.

    Source: He et al. 2020, eq. 10; lambda is `weights.refined`.
    """
    truth = target.parts

    def score(scores: Float[Tensor, "b p h w"]) -> Float[Tensor, ""]:
        loss = F.cross_entropy(
            scores, truth.long(), part_weights, ignore_index=IGNORE, reduction="sum"
        )
        if target.words is not None and allowed is not None:
            loss = loss + coarse_cross_entropy(scores, target.words, allowed, part_weights)
        return loss

    # Photos with only ignored pixels have no loss; the usual mean would be 0 / 0.
    count = (count_labels(truth, part_weights) if count is None else count).clamp(min=1e-9)
    main = score(logits.main) / count
    total, refined, coarse = weights.main * main, None, None
    if logits.refined is not None:
        refined = score(logits.refined) / count
        total = total + weights.refined * refined
    if weights.coarse:
        coarse = weights.main * _coarse(logits.main, truth, lifts, part_weights) / count
        if logits.refined is not None:
            sums = _coarse(logits.refined, truth, lifts, part_weights)
            coarse = coarse + weights.refined * sums / count
        total = total + weights.coarse * coarse
    return Losses(total, main, refined, coarse)


def count_labels(
    label_map: UInt8[Tensor, "b h w"], part_weights: Float[Tensor, " p"] | None
) -> Float[Tensor, ""]:
    """Count the labeled pixels, or add up the weights of their parts: the divisor of a mean."""
    counted = label_map != IGNORE
    if part_weights is None:
        return counted.sum().float()
    # Indexing makes a GPU wait, but zeros among the terms would round the sum differently, and a
    # resumed run would not be exact.
    return part_weights[label_map[counted].long()].sum()


def lift_logits(logits: Float[Tensor, "b p h w"], lift: Sequence[int]) -> Float[Tensor, "b n h w"]:
    """Add up the probabilities of each node's parts, as logits: log-sum-exp over the parts."""
    nodes = [
        [logits[:, part] for part, owner in enumerate(lift) if owner == node]
        for node in range(max(lift) + 1)
    ]
    # A node without parts has no probability.
    empty = torch.full_like(logits[:, 0], -torch.inf)
    return torch.stack([torch.stack(parts or [empty]).logsumexp(0) for parts in nodes], 1)


def sample_labels(
    label_map: UInt8[Tensor, "b h w"], height: int, width: int
) -> UInt8[Tensor, "b {height} {width}"]:
    """Sample labels at the positions of smaller features, with the centers of corners aligned."""
    if label_map.shape[1:] == (height, width):
        return label_map
    rows, columns = (
        torch.linspace(0, full - 1, size, device=label_map.device).round().long()
        for full, size in ((label_map.shape[1], height), (label_map.shape[2], width))
    )
    return label_map[:, rows[:, None], columns[None, :]]


def _coarse(
    logits: Float[Tensor, "b p h w"],
    truth: UInt8[Tensor, "b h w"],
    lifts: Sequence[Sequence[int]],
    part_weights: Float[Tensor, " p"] | None,
) -> Float[Tensor, ""]:
    """Add up the cross entropies of the coarse levels; a pixel counts as its part does."""
    parts = truth.long()
    weights = 1 if part_weights is None else _by_label(part_weights)[parts]
    sums = []
    for lift in lifts:
        nodes = _by_label(torch.tensor(lift, device=truth.device), IGNORE)[parts]
        losses = F.cross_entropy(
            lift_logits(logits, lift), nodes, ignore_index=IGNORE, reduction="none"
        )
        sums.append((losses * weights).sum())
    return torch.stack(sums).sum()


def _by_label(values: Shaped[Tensor, " p"], ignored: int = 0) -> Shaped[Tensor, " 256"]:
    """Return values of parts as a table over all labels, the ignore label included."""
    return F.pad(values, (0, 256 - len(values)), value=ignored)
