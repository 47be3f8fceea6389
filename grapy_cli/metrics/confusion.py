"""Who was taken for whom: the counts every score is made of."""

import cv2
import numpy as np
from jaxtyping import Int64, UInt8, UInt16

from grapy_cli.labels import IGNORE


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
    pairs, pixels = _runs(label_map, truth)
    known = pairs < IGNORE << 8
    # As weights the pixels are 64-bit floats, exact up to 2^53 of them.
    found = np.bincount(pairs[known], pixels[known], num_parts << 8).astype(np.int64)
    counts = found[: num_parts << 8].reshape(num_parts, 256)[:, :num_parts]
    if counts.sum() != found.sum():
        raise ValueError(_complaint(pairs[known], num_parts))
    return counts.copy()


def _runs(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"]
) -> tuple[UInt16[np.ndarray, " r"], Int64[np.ndarray, " r"]]:
    """Runs of equal pixels along the rows: true id times 256 plus parsed id, and their lengths.

    Label maps are areas, so runs are far fewer than pixels; what is done with every pixel is only
    to see whether it differs from the one before it.
    """
    pairs = cv2.merge([label_map, truth]).view("<u2").ravel()
    ends = np.append(np.flatnonzero(pairs[1:] != pairs[:-1]), pairs.size - 1)
    return pairs[ends], np.diff(ends, prepend=-1)


def _complaint(pairs: UInt16[np.ndarray, " r"], num_parts: int) -> str:
    strange = [int(part) for part in np.union1d(pairs >> 8, pairs & 255) if part >= num_parts]
    shown = ", ".join(map(str, strange[:5])) + (", …" if len(strange) > 5 else "")
    return f"ids {shown} lie outside the {num_parts} parts of the label set"
