"""Compare the mirrored annotations of some releases with mirrored label maps.

`grapy` does not use them: it mirrors photo and label map itself. The reference's code trains on
them, although some of them differ from the mirrored label map.
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from grapy_cli.image_io.label_maps import count_ids, look_up
from grapy_cli.labels import LabelSet

Differences = dict[str, list[int]]
"""By part: pixels of the mirrored label map, pixels of the release, pixels in both."""


def compare_mirrored(
    label_map: UInt8[np.ndarray, "h w"], mirrored: UInt8[np.ndarray, "h w"], labels: LabelSet
) -> tuple[int, Differences]:
    """Return how many pixels of a mirrored annotation differ, and the counts by part."""
    expected = np.asarray(cv2.flip(look_up(label_map, labels.mirror_ids), 1), np.uint8)
    same = expected == mirrored
    differing = int(same.size - np.count_nonzero(same))
    if not differing:
        return 0, {}
    columns = (count_ids(expected), count_ids(mirrored), count_ids(expected[same][None]))
    counts = np.stack(columns, axis=1).tolist()
    return differing, {
        name: row
        for name, row in zip(labels.names, counts, strict=False)
        if len(set(row)) > 1  # the last of the 256 rows are not parts
    }
