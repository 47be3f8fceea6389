"""Regions as COCO's run lengths: column by column, compressed into letters."""

from typing import TypedDict

import numpy as np
from jaxtyping import Bool, Int64


class RunLengths(TypedDict):
    """A region as `pycocotools.mask.decode` takes it."""

    size: list[int]
    """Height and width, pixels."""
    counts: str


def encode_region(region: Bool[np.ndarray, "h w"]) -> RunLengths:
    """Write a region as run lengths, background first, columns from the left."""
    return {"size": list(region.shape), "counts": _letters(_runs(region))}


def _runs(region: Bool[np.ndarray, "h w"]) -> Int64[np.ndarray, " r"]:
    """Lengths of the runs; only columns that show the region are gone through."""
    columns = np.flatnonzero(region.any(0))
    if not columns.size:
        return np.array([region.size], np.int64)
    pixels = region[:, columns[0] : columns[-1] + 1].ravel(order="F")
    borders = np.flatnonzero(np.diff(pixels, prepend=False, append=False))
    borders += columns[0] * region.shape[0]
    runs = np.diff(borders, prepend=0, append=region.size).astype(np.int64)
    return runs if runs[-1] else runs[:-1]


def _letters(runs: Int64[np.ndarray, " r"]) -> str:
    """Write numbers five bits a letter, the lowest first; a sixth bit says that more follow.

    From the fourth run on it is the difference to the run before the last, small at smooth borders.

    Source: the compressed form of COCO's annotations, as `pycocotools` reads it.
    """
    numbers = runs.copy()
    numbers[3:] -= runs[1:-2]
    letters = bytearray()
    for number in numbers.tolist():
        while True:
            bits, number = number & 31, number >> 5
            last = number == (-1 if bits & 16 else 0)
            letters.append(48 + (bits if last else bits | 32))
            if last:
                break
    return letters.decode("ascii")
