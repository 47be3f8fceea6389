"""Who was taken for whom: the counts every score is made of."""

import cv2
import numpy as np
from jaxtyping import Int64, UInt8

from grapy_cli.labels import IGNORE

EXACT = 1 << 24
"""Pixels OpenCV's histogram counts without losing any: its bins are 32-bit floats."""


def count_pairs(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> Int64[np.ndarray, "p p"]:
    """Count the pixels of each true part (rows) that were parsed as each part (columns).

    Pixels whose truth is 255 are left out. Counts are 64-bit integers: those of photos, and of
    processes, are added up without losing any.

    Raises:
        ValueError: If an id lies outside the label set: silently wrong counts are worse than none.

    Differs: the reference resizes a mask of another size than its truth, and puts an id outside
        the label set into a neighbour's count; `metrics/reference.py` repeats that.
    """
    counts = np.zeros((num_parts, num_parts), np.int64)
    rows = max(1, EXACT // max(1, truth.shape[1]))
    for top in range(0, len(truth), rows):
        strip = slice(top, top + rows)
        counts += _histogram(label_map[strip], truth[strip], num_parts)
    # The histogram leaves out what lies outside: fewer than there are to count, and an id is wrong.
    if counts.sum() != truth.size - np.count_nonzero(truth == IGNORE):
        raise ValueError(_complaint(label_map, truth, num_parts))
    return counts


def _histogram(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> Int64[np.ndarray, "p p"]:
    bins, ends = [num_parts, num_parts], [0, num_parts, 0, num_parts]
    return cv2.calcHist([truth, label_map], [0, 1], None, bins, ends).astype(np.int64)


def _complaint(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> str:
    seen = np.union1d(truth[truth != IGNORE], label_map[truth != IGNORE])
    strange = [int(part) for part in seen if part >= num_parts]
    shown = ", ".join(map(str, strange[:5])) + (", …" if len(strange) > 5 else "")
    return f"ids {shown} lie outside the {num_parts} parts of the label set"
