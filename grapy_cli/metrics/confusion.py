"""The confusion matrix: the counts behind every score."""

import cv2
import numpy as np
from jaxtyping import Float64, Int64, UInt8, UInt16

from grapy_cli.labels import IGNORE


def count_pairs(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> Int64[np.ndarray, "p p"]:
    """Count the pixels of each true part (rows) that were parsed as each part (columns).

    Pixels whose truth is 255 are left out. Counts are 64-bit integers, so the sums over photos and
    processes are exact.

    Raises:
        ValueError: If an id is outside the label set.

    Differs: the reference resizes a mask that does not have the size of its truth, and adds an id
        outside the label set to the count of a neighbor; `metrics/reference.py` does the same.
    """
    pairs, pixels = _runs(label_map, truth)
    rows = max(num_parts, (int(pairs.max(initial=0)) >> 8) + 1)
    # Weights are 64-bit floats, so counts are exact up to 2^53 pixels.
    found = np.bincount(pairs, pixels, rows << 8).reshape(rows, 256)[:, :IGNORE]
    counts = found[:num_parts, :num_parts]
    if counts.sum() != found.sum():
        raise ValueError(_complaint(found, num_parts))
    return counts.T.astype(np.int64)


def _runs(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"]
) -> tuple[UInt16[np.ndarray, " r"], Float64[np.ndarray, " r"]]:
    """Find runs of equal pixels along the rows: parsed id times 256 plus true id, and lengths.

    Label maps consist of areas, so there are far fewer runs than pixels. Each pixel is only
    compared with the one before it.
    """
    pairs = cv2.merge([truth, label_map]).view("<u2").ravel()
    is_last = np.ones(pairs.size, np.bool_)
    np.not_equal(pairs[1:], pairs[:-1], out=is_last[:-1])
    ends = np.flatnonzero(is_last)
    pixels = ends + 1.0
    pixels[1:] -= pixels[:-1].copy()
    return pairs.take(ends), pixels


def _complaint(found: Float64[np.ndarray, "p 255"], num_parts: int) -> str:
    strange = [part for part in np.union1d(*np.nonzero(found)).tolist() if part >= num_parts]
    shown = ", ".join(map(str, strange[:5])) + (", …" if len(strange) > 5 else "")
    guess = "; are the ids one too high? Background is 0" if strange == [num_parts] else ""
    return f"ids {shown} lie outside the {num_parts} parts of the label set{guess}"
