"""Who was taken for whom: the counts every score is made of."""

import numpy as np
from jaxtyping import Int64, UInt8

from grapy_cli.labels import IGNORE


class ConfusionMatrix:
    """Pixels by true part (rows) and parsed part (columns), counted in 64-bit integers.

    Args:
        num_parts: Of the label set, background included.
    """

    def __init__(self, num_parts: int) -> None:
        self.num_parts = num_parts
        self.counts: Int64[np.ndarray, "p p"] = np.zeros((num_parts, num_parts), np.int64)

    def update(self, label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"]) -> None:
        """Count a photo's pixels; those whose truth is 255 are left out.

        Raises:
            ValueError: If the sizes differ, or an id lies outside the label set: silently wrong
                counts are worse than none.
        """
        if label_map.shape != truth.shape:
            raise ValueError(f"the mask has size {label_map.shape}, its truth {truth.shape}")
        self.counts += count_pairs(label_map, truth, self.num_parts)


def count_pairs(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> Int64[np.ndarray, "p p"]:
    """Count how often each true part was parsed as each part."""
    # One histogram over both ids at once; 16 bits hold every pair of bytes.
    pairs = np.bincount(
        (truth.astype(np.uint16) << 8 | label_map).ravel(), minlength=1 << 16
    ).reshape(256, 256)
    pairs[IGNORE] = 0
    inside = pairs[:num_parts, :num_parts]
    if inside.sum() != pairs.sum():
        strange = sorted({int(i) for ids in np.nonzero(pairs) for i in ids if i >= num_parts})
        raise ValueError(f"ids {strange} lie outside the {num_parts} parts of the label set")
    counts: Int64[np.ndarray, "p p"] = inside.astype(np.int64)
    return counts
