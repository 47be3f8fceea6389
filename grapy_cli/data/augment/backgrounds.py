"""Replace the background of samples by a photo without people; labels stay the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from grapy_cli.data.sample import Sample
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.names import is_photo_name
from grapy_cli.image_io.photos import load_photo

SOFT_EDGE = 1.0
"""Blur of the cut's edge, pixels: a hard edge would show the network where the person ends."""


@dataclass(frozen=True)
class RandomBackground:
    """Replace the background of a sample, or show only the new background.

    Pixels that any of the sample's label maps labels or ignores stay as they are. All others are
    background in every label set, so no label changes. An unlabeled person disappears with the old
    background.
    """

    photos: Sequence[Path]
    """Person-free photos."""
    probability: float
    """Share of samples that get another background."""
    empty: float = 0.1
    """Share of those that lose their people as well: cloth without a wearer is background."""

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Replace the background or return the sample unchanged."""
        if generator.random() >= self.probability:
            return sample
        height, width = sample.photo.shape[:2]
        behind = any_cover(self.photos, height, width, generator)
        if generator.random() < self.empty:
            return sample.changed(behind, lambda _, old: np.zeros_like(old))
        return replace(sample, photo=lay_over(behind, sample.photo, sample.people))


def find_backgrounds(folder: Path) -> list[Path]:
    """List the photos of a folder.

    Raises:
        DatasetError: If there are none.
    """
    paths = sorted(path for path in folder.glob("*") if is_photo_name(path.name))
    if not paths:
        raise DatasetError(
            f"{folder} holds no photos",
            hint="train.augment.backgrounds names a folder of photos that show no people.",
        )
    return paths


def any_cover(
    photos: Sequence[Path], height: int, width: int, generator: np.random.Generator
) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """Read one of some photos, resized to cover a size, and cut that out at a random place."""
    photo = load_photo(photos[int(generator.integers(len(photos)))])
    scale = max(height / photo.shape[0], width / photo.shape[1])
    size = max(width, round(photo.shape[1] * scale)), max(height, round(photo.shape[0] * scale))
    resized = cv2.resize(photo, size, interpolation=cv2.INTER_LINEAR)
    top = int(generator.integers(resized.shape[0] - height + 1))
    left = int(generator.integers(resized.shape[1] - width + 1))
    return np.ascontiguousarray(resized[top : top + height, left : left + width], np.uint8)


def lay_over(
    below: UInt8[np.ndarray, "h w 3"],
    above: UInt8[np.ndarray, "h w 3"],
    shape: Bool[np.ndarray, "h w"],
) -> UInt8[np.ndarray, "h w 3"]:
    """Show one photo inside a shape and another around it, with a soft edge between them."""
    share = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), SOFT_EDGE)
    return np.asarray(cv2.blendLinear(above, below, share, 1 - share), np.uint8)
