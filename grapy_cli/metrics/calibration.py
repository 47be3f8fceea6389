"""Calibration: whether the confidence of a parser matches its accuracy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

NUM_BINS = 15
FULL = 65535
"""The integer for a confidence of 1: sums of integers do not depend on their order."""

Bins = Int64[np.ndarray, "15 3"]
"""By bin of confidence: pixels, correct pixels, and the sum of confidences."""


@dataclass(frozen=True)
class Bin:
    """Pixels with a confidence in one fifteenth of [0, 1]."""

    pixels: int
    confidence: float | None
    """Mean confidence; None without pixels."""
    accuracy: float | None
    """Share of correct pixels; None without pixels."""


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error and its bins, in [0, 1]."""

    ece: float
    bins: tuple[Bin, ...]
    """In order of confidence."""


def count_confidences(
    confidence: Float32[np.ndarray, "h w"],
    right: Bool[np.ndarray, "h w"],
    counted: Bool[np.ndarray, "h w"],
) -> Bins:
    """Count the pixels of a photo by confidence in [0, 1], where their truth is known."""
    steps = np.rint(confidence * np.float32(FULL)).astype(np.uint16)
    every = np.bincount(steps[counted], minlength=FULL + 1)
    good = np.bincount(steps[counted & right], minlength=FULL + 1)
    columns = (every, good, every * np.arange(FULL + 1))
    return np.stack([np.add.reduceat(column, _starts()) for column in columns], 1).astype(np.int64)


def calibration_of(bins: Bins) -> Calibration | None:
    """Compute the expected calibration error; None without counts.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, eq. 5, over 15 bins.
    """
    pixels, right, total = bins.T
    if not pixels.sum():
        return None
    gaps = np.abs(right - total / FULL)
    return Calibration(
        float(gaps.sum() / pixels.sum()),
        tuple(
            Bin(int(n), float(s / FULL / n) if n else None, float(r / n) if n else None)
            for n, r, s in zip(pixels, right, total, strict=True)
        ),
    )


def _starts() -> list[int]:
    """Return the first integer of each bin; a bin includes its upper end, as in the source."""
    return [0, *(FULL * index // NUM_BINS + 1 for index in range(1, NUM_BINS))]
