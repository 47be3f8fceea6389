"""What each head learns from at each pixel: one table, from the finest label a pixel has.

| the photo has                | a pixel with a part | a pixel without (255)                      |
|------------------------------|---------------------|--------------------------------------------|
| labels of the head's own set | that part           | the photo's coarse map                     |
| labels of other sets alone   | -                   | the first other set's part, if heads share |
|                              |                     | labels; else the photo's coarse map        |

A coarse label is a set of parts, and teaches that their probabilities add up to 1.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from grapy_cli.data.sample import COARSE, Batch
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.labels.vocabulary import COARSE_IDS, PERSON, Vocabulary

OWN, NONE = "own parts", "none"
"""Sources of a label: the head's own data set, and nothing."""
UNKNOWN = -1
"""Among words: nothing is known of the pixel beyond its part."""


class Target(NamedTuple):
    """What one head learns from in the photos of a batch that teach it anything."""

    rows: Int64[Tensor, " m"]
    """The photos, as rows of the batch."""
    parts: UInt8[Tensor, "m h w"]
    """Parts of the head's own label set; 255 where they are not known."""
    words: Int64[Tensor, "m h w"] | None = None
    """Words of the run's vocabulary where the part is not known; -1 where nothing is."""


class Targets:
    """Reads the targets of each head out of a batch.

    Args:
        share_labels: Whether a head learns from photos that only other sets label.
    """

    def __init__(self, label_sets: Sequence[LabelSet], *, share_labels: bool) -> None:
        self.share_labels = share_labels
        vocabulary = Vocabulary(label_sets)
        self.offsets = vocabulary.offsets
        self.allowed = {
            labels.name: torch.tensor(vocabulary.allowed(labels)) for labels in label_sets
        }

    def of(
        self, batch: Batch, label_maps: Mapping[str, UInt8[Tensor, "_ h w"]]
    ) -> dict[str, Target]:
        """Return the targets of a batch by head, of the heads that learn anything from it.

        Args:
            label_maps: The label maps of the batch, at the resolution of the loss.
        """
        if not self.share_labels and COARSE not in label_maps:
            return {
                name: Target(batch.rows[name], label_map) for name, label_map in label_maps.items()
            }
        heads = self.offsets if self.share_labels else batch.datasets
        spread = {
            name: _spread(label_map, batch.rows[name], len(batch.photos))
            for name, label_map in label_maps.items()
        }
        targets = {head: self._of(head, batch, spread) for head in heads}
        return {head: target for head, target in targets.items() if len(target.rows)}

    def allowed_on(self, device: torch.device) -> Mapping[str, Bool[Tensor, "k p"]]:
        """Return the parts that each word allows, by head, on a device."""
        self.allowed = {name: table.to(device) for name, table in self.allowed.items()}
        return self.allowed

    def sources(self, targets: Mapping[str, Target]) -> dict[str, dict[str, int]]:
        """Count the pixels of each head by where their label comes from, "none" included."""
        counts: dict[str, dict[str, int]] = {}
        for head, target in targets.items():
            found = {OWN: int((target.parts != IGNORE).sum())}
            if target.words is not None:
                for name, (start, end) in self._spans().items():
                    found[name] = int(((target.words >= start) & (target.words < end)).sum())
            found[NONE] = target.parts.numel() - sum(found.values())
            counts[head] = {name: pixels for name, pixels in found.items() if pixels}
        return counts

    def _spans(self) -> dict[str, tuple[int, int]]:
        """Return the words of each source: the first one, and the one after the last."""
        ends = [*self.offsets.values(), len(next(iter(self.allowed.values())))]
        parts = zip(self.offsets, pairwise(ends), strict=True)
        coarse = {"groups and background": (0, PERSON), "person": (PERSON, COARSE_IDS)}
        return coarse | {f"parts of {name}": span for name, span in parts}

    def _of(self, head: str, batch: Batch, spread: Mapping[str, UInt8[Tensor, "b h w"]]) -> Target:
        own = spread.get(head)
        if own is None:
            own = torch.full_like(next(iter(spread.values())), IGNORE)
        has_own = torch.zeros(len(own), dtype=torch.bool, device=own.device)
        if head in batch.rows:
            has_own[batch.rows[head]] = True
        words = torch.full(own.shape, UNKNOWN, dtype=torch.int64, device=own.device)
        if self.share_labels:
            for other in self.offsets:
                if other != head and other in spread:
                    theirs = spread[other]
                    is_free = (words == UNKNOWN) & (theirs != IGNORE) & ~has_own[:, None, None]
                    words = torch.where(is_free, theirs.long() + self.offsets[other], words)
        if COARSE in spread:
            coarse = spread[COARSE]
            is_free = (words == UNKNOWN) & (coarse != IGNORE)
            words = torch.where(is_free, coarse.long(), words)
        # A word that allows no part of this set says nothing to its head.
        says = torch.cat([self.allowed_on(own.device)[head].any(1), own.new_zeros(1).bool()])
        words = torch.where(says[words] & (own == IGNORE), words, UNKNOWN)
        teaches = has_own if not self.share_labels else has_own | (words != UNKNOWN).any(2).any(1)
        if self.share_labels and not teaches.any():
            # Every process takes part in the loss of every head, even of one that learns nothing.
            teaches[0] = True
        rows = teaches.nonzero()[:, 0]
        return Target(rows, own[rows], words[rows])


def coarse_cross_entropy(
    logits: Float[Tensor, "m p h w"],
    words: Int64[Tensor, "m h w"],
    allowed: Bool[Tensor, "k p"],
    part_weights: Float[Tensor, " p"] | None,
) -> Float[Tensor, ""]:
    """Add up -log of the probability that a pixel is of one of the parts its word allows."""
    known = words != UNKNOWN
    scores = logits.permute(0, 2, 3, 1)[known]
    can_be = allowed[words[known]]
    losses = scores.logsumexp(1) - scores.masked_fill(~can_be, -torch.inf).logsumexp(1)
    if part_weights is None:
        return losses.sum()
    return (losses * word_weights(allowed, part_weights)[words[known]]).sum()


def count_words(
    words: Int64[Tensor, "m h w"],
    allowed: Bool[Tensor, "k p"],
    part_weights: Float[Tensor, " p"] | None,
) -> Float[Tensor, ""]:
    """Count the pixels of which something coarse is known, as their words weigh."""
    known = words != UNKNOWN
    if part_weights is None:
        return known.sum().float()
    return word_weights(allowed, part_weights)[words[known]].sum()


def word_weights(
    allowed: Bool[Tensor, "k p"], part_weights: Float[Tensor, " p"]
) -> Float[Tensor, " k"]:
    """Weigh a word as the most frequent of the parts it allows; one that allows none weighs 0."""
    weights = part_weights.expand(allowed.shape).masked_fill(~allowed, torch.inf).amin(1)
    return weights.masked_fill(weights.isinf(), 0.0)


def _spread(
    label_map: UInt8[Tensor, "_ h w"], rows: Int64[Tensor, " _"], photos: int
) -> UInt8[Tensor, "b h w"]:
    """Return a label map for each photo of a batch; one without labels is all 255."""
    spread = label_map.new_full((photos, *label_map.shape[1:]), IGNORE)
    spread[rows] = label_map
    return spread
