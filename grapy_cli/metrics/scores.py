"""Scores of a parsing, from its confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

Ratio = float | None


@dataclass(frozen=True)
class PartScore:
    """How well one part is found; None where it occurs neither in the truth nor in the parsing."""

    iou: Ratio
    accuracy: Ratio


@dataclass(frozen=True)
class Scores:
    """The field's numbers, ratios in [0, 1].

    Means leave out parts that occur nowhere; a part that is parsed but never true has IoU 0, counts
    in `mean_iou`, and is left out of `mean_accuracy`.

    Source: the reference's evaluation, to the last digit; "mean accuracy" is the paper's.
    """

    mean_iou: Ratio
    mean_accuracy: Ratio
    pixel_accuracy: Ratio
    weighted_iou: Ratio
    parts: dict[str, PartScore]


def scores_of(counts: Int64[np.ndarray, "p p"], names: Sequence[str]) -> Scores:
    """Compute all scores of a confusion matrix whose rows are the truth."""
    right = np.diag(counts).astype(float)
    true, parsed, total = counts.sum(1), counts.sum(0), counts.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = right / true
        iou = right / (true + parsed - right)
        pixel_accuracy = right.sum() / np.float64(total)
    seen = true > 0
    weighted = (true[seen] / total * iou[seen]).sum() if total else np.nan
    return Scores(
        mean_iou=_mean(iou),
        mean_accuracy=_mean(accuracy),
        pixel_accuracy=_ratio(pixel_accuracy),
        weighted_iou=_ratio(weighted),
        parts={
            name: PartScore(_ratio(part_iou), _ratio(part_accuracy))
            for name, part_iou, part_accuracy in zip(names, iou, accuracy, strict=True)
        },
    )


def lift_counts(
    counts: Int64[np.ndarray, "p p"], lift: Sequence[int], num_nodes: int
) -> Int64[np.ndarray, "n n"]:
    """Add up a matrix of parts to one of a coarser level's nodes."""
    belongs = np.eye(num_nodes, dtype=np.int64)[np.asarray(lift)]
    coarse: Int64[np.ndarray, "n n"] = belongs.T @ counts @ belongs
    return coarse


def _mean(ratios: np.ndarray) -> Ratio:
    known = ratios[~np.isnan(ratios)]
    return float(known.mean()) if len(known) else None


def _ratio(value: float) -> Ratio:
    return None if np.isnan(value) else float(value)
