"""The annotations of mirrored photos that some releases bring, against what mirroring gives.

Nothing in `grapy` reads them: it mirrors photo and label map itself. Those who train with the
reference's code do, and cannot see that some of them are other annotations.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from grapy_cli.labels import LabelSet

Differences = dict[str, list[int]]
"""By part: pixels that mirroring gives, pixels the release has, pixels where both have it."""


def compare_mirrored(
    label_map: UInt8[np.ndarray, "h w"], mirrored: UInt8[np.ndarray, "h w"], labels: LabelSet
) -> tuple[int, Differences]:
    """Return how many pixels of a mirrored annotation differ, and what of which part."""
    swap = np.arange(256, dtype=np.uint8)
    swap[: labels.num_parts] = labels.mirror_ids
    expected = np.asarray(cv2.flip(cv2.LUT(label_map, swap), 1), np.uint8)
    same = expected == mirrored
    differing = int(same.size - np.count_nonzero(same))
    if not differing:
        return 0, {}
    columns = (count_ids(expected), count_ids(mirrored), count_ids(expected[same][None]))
    counts = np.stack(columns, axis=1).tolist()
    return differing, {
        name: row
        for name, row in zip(labels.names, counts, strict=False)
        if len(set(row)) > 1  # of the 256 rows the last ones are no parts
    }


def count_ids(label_map: UInt8[np.ndarray, "h w"]) -> np.ndarray:
    """Count the pixels of each of the 256 ids."""
    if not label_map.size:
        return np.zeros(256, np.int64)
    if label_map.size >= 1 << 24:  # beyond, the counts of OpenCV's floats are no longer exact
        return np.bincount(label_map.ravel(), minlength=256)
    return cv2.calcHist([label_map], [0], None, [256], [0, 256]).ravel().astype(np.int64)
