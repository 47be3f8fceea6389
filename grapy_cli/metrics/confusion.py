"""Who was taken for whom: the counts every score is made of."""

import numpy as np
from jaxtyping import Int64, UInt8

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
        the label set into a neighbour's count.
    """
    # One histogram over both ids at once; 16 bits hold every pair of bytes.
    pairs = np.bincount(
        (truth.astype(np.uint16) << 8 | label_map).ravel(), minlength=1 << 16
    ).reshape(256, 256)
    pairs[IGNORE] = 0
    inside = pairs[:num_parts, :num_parts]
    if inside.sum() != pairs.sum():
        strange = sorted({int(i) for ids in np.nonzero(pairs) for i in ids if i >= num_parts})
        shown = ", ".join(map(str, strange[:5])) + (", …" if len(strange) > 5 else "")
        raise ValueError(f"ids {shown} lie outside the {num_parts} parts of the label set")
    counts: Int64[np.ndarray, "p p"] = inside.astype(np.int64)
    return counts
