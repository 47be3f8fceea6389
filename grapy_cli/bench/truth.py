"""Score masks against label maps."""

from pathlib import Path

import numpy as np
from jaxtyping import Int64

from grapy_cli.errors import DatasetError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import means_of, totals_of


def mean_iou(masks: Path, truth: Path, num_parts: int) -> float:
    """Score a folder of masks against label maps of the same relative paths, in [0, 1].

    Raises:
        DatasetError: If there is no label map for any of the masks, or one that does not fit.
    """
    counts = np.zeros((num_parts, num_parts), np.int64)
    for path in sorted(masks.rglob("*.png")):
        label_map = truth / path.relative_to(masks)
        if label_map.exists():
            counts += _count(path, label_map, num_parts)
    if not counts.any():
        raise DatasetError(
            f"{truth} has no label map for any of the photos",
            hint="Label maps lie at the photos' relative paths, as masks do, with .png.",
        )
    return float(means_of(totals_of(counts))["mean_iou"])


def _count(mask: Path, label_map: Path, num_parts: int) -> Int64[np.ndarray, "p p"]:
    parsed, true = load_label_map(mask), load_label_map(label_map)
    if parsed.shape != true.shape:
        raise DatasetError(f"the label map {label_map} has another size than its photo")
    try:
        return count_pairs(parsed, true, num_parts)
    except ValueError as error:
        raise DatasetError(f"the label map {label_map} does not fit: {error}") from error
