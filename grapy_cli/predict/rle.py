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
    return {"size": list(region.shape), "counts": _letters(_runs(region.ravel(order="F")))}


def _runs(pixels: Bool[np.ndarray, " n"]) -> Int64[np.ndarray, " r"]:
    borders = np.flatnonzero(np.diff(pixels)) + 1
    first = [0, 0] if pixels[0] else [0]
    return np.diff(np.concatenate([first, borders, [pixels.size]])).astype(np.int64)


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
