"""Boundary IoU: how well outlines match, which the large interiors of parts hide in plain IoU."""

import math

import cv2
import numpy as np
from jaxtyping import Bool, Int64, UInt8

from grapy_cli.labels import IGNORE

SHARE = 0.02
"""Largest distance of a counted pixel from the outline, as a share of the photo's diagonal."""


def count_boundaries(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> Int64[np.ndarray, "3 p"]:
    """Count the pixels near the outline of each part: in both, in the truth, in the parsing.

    A pixel counts for its part if it is inside the part and near the outline. The edge of the photo
    is an outline. Pixels that the truth ignores are not counted, and their border is an outline.

    Source: Cheng et al. 2021, Boundary IoU. A pixel is near if a square around it, of the source's
        size, also holds other parts: the source's erosion, for all parts at once.
    """
    known = truth < num_parts
    distance = max(1, round(SHARE * math.hypot(*truth.shape)))
    parsed = _near_outline(np.where(known, label_map, IGNORE).astype(np.uint8), distance) & known
    true = _near_outline(np.where(known, truth, IGNORE).astype(np.uint8), distance) & known
    rows = (truth[true & parsed & (label_map == truth)], truth[true], label_map[parsed])
    return np.stack([np.bincount(row, minlength=256)[:num_parts] for row in rows]).astype(np.int64)


def _near_outline(label_map: UInt8[np.ndarray, "h w"], distance: int) -> Bool[np.ndarray, "h w"]:
    square = np.ones((2 * distance + 1,) * 2, np.uint8)
    near = cv2.erode(label_map, square) != cv2.dilate(label_map, square)
    for edge in (slice(None, distance), slice(-distance, None)):
        near[edge] = near[:, edge] = True
    return np.asarray(near)
