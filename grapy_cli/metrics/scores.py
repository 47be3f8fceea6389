"""Compute the scores of a parsing from counted pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

Ratio = float | None


@dataclass(frozen=True)
class PartScore:
    """Scores of one part; None if it occurs neither in the truth nor in the parsing."""

    iou: Ratio
    accuracy: Ratio
    f1: Ratio
    boundary_iou: Ratio


@dataclass(frozen=True)
class Scores:
    """The usual scores, ratios in [0, 1].

    Means leave out parts that occur nowhere. A part that is parsed but never true has IoU and F1 0.
    It counts in their means, and `mean_accuracy` leaves it out.

    Source: the reference's evaluation, to the last digit; "mean accuracy" is the paper's term.
    """

    mean_iou: Ratio
    mean_accuracy: Ratio
    pixel_accuracy: Ratio
    weighted_iou: Ratio
    """Mean IoU, weighted by the share of the true pixels of each part."""
    mean_f1: Ratio
    boundary_iou: Ratio
    """Mean boundary IoU of the parts; None if no boundaries were counted."""
    left_right_exchange: Ratio
    """See `exchange_of`."""
    parts: dict[str, PartScore]


def scores_of(
    counts: Int64[np.ndarray, "p p"],
    names: Sequence[str],
    *,
    boundary: Int64[np.ndarray, "3 p"] | None = None,
    mirror_ids: Sequence[int] = (),
) -> Scores:
    """Compute all scores.

    Args:
        counts: Pixels by true part (rows) and parsed part.
        boundary: Pixels near the outlines of parts, in the order of `totals_of`.
        mirror_ids: For each part its left-right partner; empty without partners.
    """
    ratios = _ratios(totals_of(counts))
    edges = np.zeros((3, len(names)), np.int64) if boundary is None else boundary
    edge_iou = _ratios(edges)["iou"]
    columns = (ratios["iou"], ratios["accuracy"], ratios["f1"], edge_iou)
    means = {name: _ratio(float(mean)) for name, mean in means_of(totals_of(counts)).items()}
    return Scores(
        **means,
        boundary_iou=_ratio(float(_mean(edge_iou))),
        left_right_exchange=exchange_of(counts, mirror_ids),
        parts={
            name: PartScore(*map(_ratio, row)) for name, *row in zip(names, *columns, strict=True)
        },
    )


def totals_of(counts: Int64[np.ndarray, "p p"]) -> Int64[np.ndarray, "3 p"]:
    """Reduce counts to three rows per part: correct, true and parsed pixels."""
    return np.stack([np.diag(counts), counts.sum(1), counts.sum(0)])


def means_of(
    totals: Int64[np.ndarray, "*r 3 p"],
) -> Mapping[str, Float64[np.ndarray, "*r"]]:
    """Compute the scores over all parts, of one or several sets of totals; NaN without counts."""
    right, true, _ = np.moveaxis(totals, -2, 0)
    total = true.sum(-1)
    ratios = _ratios(totals)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Weighted by pixels, then divided: the shares of parts do not add up to exactly 1.
        weighted = np.where(true > 0, true * ratios["iou"], 0).sum(-1) / total
        return {
            "mean_iou": _mean(ratios["iou"]),
            "mean_accuracy": _mean(ratios["accuracy"]),
            "pixel_accuracy": np.asarray(right.sum(-1) / total),
            "weighted_iou": np.asarray(weighted),
            "mean_f1": _mean(ratios["f1"]),
        }


def exchange_of(counts: Int64[np.ndarray, "p p"], mirror_ids: Sequence[int]) -> Ratio:
    """Compute how often left is parsed as right, or right as left.

    This is the share of pixels that were parsed as the partner of their part, among those that were
    parsed as the part or its partner. None without such pixels; a random guess gives 0.5.
    """
    exchanged = found = 0
    for part, partner in enumerate(mirror_ids):
        if part != partner:
            exchanged += int(counts[part, partner])
            found += int(counts[part, part] + counts[part, partner])
    return exchanged / found if found else None


def lift_counts(
    counts: Int64[np.ndarray, "p p"], lift: Sequence[int], num_nodes: int
) -> Int64[np.ndarray, "n n"]:
    """Add up a matrix of parts to a matrix of the nodes of a coarser level."""
    belongs = np.eye(num_nodes, dtype=np.int64)[np.asarray(lift)]
    coarse: Int64[np.ndarray, "n n"] = belongs.T @ counts @ belongs
    return coarse


def _ratios(totals: Int64[np.ndarray, "*r 3 p"]) -> dict[str, Float64[np.ndarray, "*r p"]]:
    right, true, parsed = np.moveaxis(totals, -2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": right / true,
            "iou": right / (true + parsed - right),
            "f1": 2 * right / (true + parsed),
        }


def _mean(ratios: Float64[np.ndarray, "*r p"]) -> Float64[np.ndarray, "*r"]:
    """Return the mean of known ratios; NaN if none is known."""
    known = ~np.isnan(ratios)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, ratios, 0).sum(-1) / known.sum(-1))


def _ratio(value: float) -> Ratio:
    return None if np.isnan(value) else float(value)
