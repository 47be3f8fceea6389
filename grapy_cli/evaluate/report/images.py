"""Load the pictures of a scored photo again, for the report."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from grapy_cli.data.layout import CARD, PreparedDataset
from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.evaluate.masks import MaskFolders
from grapy_cli.evaluate.records import Case, Look, PhotoScore, Pictures
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import read_photo
from grapy_cli.metrics.reference import fit_to_truth

Photo = UInt8[np.ndarray, "h w 3"]


class KeptMasks:
    """The masks that an evaluation keeps in its folder: `masks/PARSER/DATASET/KEY.png`.

    Args:
        digests: Digest of each case's weights. It is part of the path, so masks of other weights
            are never used.
    """

    def __init__(self, folder: Path, digests: Mapping[Case, str]) -> None:
        self._folder = folder / "masks"
        self._digests = {(case.parser, case.tta): digest for case, digest in digests.items()}

    def path(self, case: Case, dataset: str, key: str) -> Path:
        """Return the path of a photo's mask; it is the same for all protocols."""
        name = re.sub(r"[^\w.-]+", "_", case.parser)[:60]
        digest = self._digests[case.parser, case.tta][:8]
        return self._folder / f"{name}-{case.tta}-{digest}" / dataset / f"{key}.png"


def look_at_parsings(datasets: Mapping[str, PreparedDataset], masks: KeptMasks) -> Look:
    """Return a loader for photos that grapy parsed."""

    def look(score: PhotoScore) -> Pictures:
        dataset = datasets[score.dataset]
        return Pictures(
            read_photo(dataset.photo(score.photo)),
            load_label_map(dataset.label_map(score.photo)),
            load_label_map(masks.path(score.case, score.dataset, score.photo)),
        )

    return look


def look_at_masks(folders: MaskFolders) -> Look:
    """Return a loader for masks; it finds the photos if the truth is a prepared data set's."""

    def look(score: PhotoScore) -> Pictures:
        mask, truth, _ = folders.load(score.photo)
        return Pictures(
            _photo_beside(folders.truth, score.photo, truth.shape),
            truth,
            fit_to_truth(mask, truth),
        )

    return look


def _photo_beside(truth: Path, key: str, shape: tuple[int, ...]) -> Photo | None:
    folder = truth.resolve().parent.parent
    if not (folder / CARD).is_file():
        return None
    try:
        photo = read_photo(PreparedDataset.open(folder).photo(key))
    except (DatasetError, PhotoError):
        return None
    return photo if photo.shape[:2] == shape else None
