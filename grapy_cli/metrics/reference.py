"""Count as the reference implementation does, with its mistakes."""

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image

SKIPPED = "105047_427469"
"""The reference's evaluation leaves out photos with this text in their names."""


def fit_to_truth(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "u v"]
) -> UInt8[np.ndarray, "u v"]:
    """Resize a mask with the Lanczos filter, which creates wrong ids along the edges."""
    if label_map.shape == truth.shape:
        return label_map
    height, width = truth.shape
    resized = Image.fromarray(label_map).resize((width, height), Image.Resampling.LANCZOS)
    return np.array(resized)


def count_pairs_as_reference(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "h w"], num_parts: int
) -> Int64[np.ndarray, "p p"]:
    """Count pixels by true part and parsed part; an id outside counts in the next row.

    True ids outside the label set are left out, as 255 is.

    Raises:
        ValueError: If a parsed id is so large that the reference fails as well.

    Source: the reference's evaluation, `fast_hist`.
    """
    known = truth < num_parts
    pairs = num_parts * truth[known].astype(np.int64) + label_map[known]
    counts = np.bincount(pairs, minlength=num_parts**2).astype(np.int64)
    if len(counts) > num_parts**2:
        raise ValueError(
            f"id {label_map[known].max()} lies outside the {num_parts} parts of the label set, "
            "and the reference fails on it"
        )
    return counts.reshape(num_parts, num_parts)
