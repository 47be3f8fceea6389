"""What training minimizes."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from grapy_cli.labels import IGNORE
from grapy_cli.model.grapy import ParsingLogits


class Losses(NamedTuple):
    """Mean cross entropies per pixel, and their weighted sum."""

    total: Float[Tensor, ""]
    main: Float[Tensor, ""]
    refined: Float[Tensor, ""] | None

    def values(self) -> dict[str, float]:
        """The losses as numbers."""
        named = self._asdict().items()
        return {name: float(loss.detach()) for name, loss in named if loss is not None}


def parsing_loss(
    logits: ParsingLogits,
    label_map: UInt8[Tensor, "b h w"],
    *,
    main_weight: float = 1.0,
    refined_weight: float = 1.0,
    part_weights: Float[Tensor, " p"] | None = None,
) -> Losses:
    """Score both parsings of a label set against its truth; 255 is not looked at.

    Logits that are smaller than the label map (the features' size) are held against the labels at
    their own positions.

    Source: He et al. 2020, eq. 10; lambda is `refined_weight`.
    """
    truth = sample_labels(label_map, logits.main.shape[2], logits.main.shape[3]).long()
    main = _cross_entropy(logits.main, truth, part_weights)
    if logits.refined is None:
        return Losses(main_weight * main, main, None)
    refined = _cross_entropy(logits.refined, truth, part_weights)
    return Losses(main_weight * main + refined_weight * refined, main, refined)


def sample_labels(
    label_map: UInt8[Tensor, "b h w"], height: int, width: int
) -> UInt8[Tensor, "b {height} {width}"]:
    """Take the labels where smaller features stand, corner pixels' centres aligned."""
    if label_map.shape[1:] == (height, width):
        return label_map
    rows, columns = (
        torch.linspace(0, full - 1, size, device=label_map.device).round().long()
        for full, size in ((label_map.shape[1], height), (label_map.shape[2], width))
    )
    return label_map[:, rows[:, None], columns[None, :]]


def _cross_entropy(
    logits: Float[Tensor, "b p h w"], truth: Tensor, part_weights: Tensor | None
) -> Float[Tensor, ""]:
    losses = F.cross_entropy(
        logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits,
        truth,
        part_weights,
        ignore_index=IGNORE,
        reduction="sum",
    )
    counted = truth != IGNORE
    # A batch of nothing but ignored pixels teaches nothing; the usual mean would be 0 / 0.
    if part_weights is None:
        return losses / counted.sum().clamp(min=1)
    return losses / part_weights[truth[counted]].sum().clamp(min=1e-9)


def balanced_weights(shares: Mapping[int, float], num_parts: int, strength: float) -> list[float]:
    """Weights that count rare parts more: share ** -strength, with a mean over pixels of 1.

    Args:
        shares: Share of the labelled pixels of each part that occurs.
        num_parts: Of the label set; parts that do not occur get the largest weight.
        strength: 0 leaves pixels alike, 1 makes parts alike.
    """
    known = {part: share**-strength for part, share in shares.items() if share > 0}
    mean = sum(shares[part] * weight for part, weight in known.items())
    largest = max(known.values())
    return [known.get(part, largest) / mean for part in range(num_parts)]
