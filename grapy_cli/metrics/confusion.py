"""Who was taken for whom: the counts every score is made of."""

import cv2
import numpy as np
from jaxtyping import Float64, Int64, UInt8, UInt16

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
    rows = max(num_parts, (int(pairs.max(initial=0)) >> 8) + 1)
    # As weights the pixels are 64-bit floats, exact up to 2^53 of them.
    found = np.bincount(pairs, pixels, rows << 8).reshape(rows, 256)[:, :IGNORE]
    counts = found[:num_parts, :num_parts]
    if counts.sum() != found.sum():
        raise ValueError(_complaint(found, num_parts))
    return counts.T.astype(np.int64)


def _runs(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"]
) -> tuple[UInt16[np.ndarray, " r"], Float64[np.ndarray, " r"]]:
    """Runs of equal pixels along the rows: parsed id times 256 plus true id, and their lengths.

    Label maps are areas, so runs are far fewer than pixels; what is done with every pixel is only
    to see whether it differs from the one before it.
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
