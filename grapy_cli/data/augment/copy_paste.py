"""Copy-paste augmentation: people of other photos, and occluders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool

from grapy_cli.data.augment.backgrounds import any_cover, lay_over
from grapy_cli.data.augment.transforms import Picture
from grapy_cli.data.dataset import Group
from grapy_cli.data.sample import Sample
from grapy_cli.labels import IGNORE


@dataclass(frozen=True)
class RandomCopyPaste:
    """Paste people of other photos into a sample.

    They come from photos that are annotated in the same data sets, so that every label map has
    their labels. Pixels that any of their label maps labels or ignores are copied.
    """

    groups: Sequence[Group]
    """Sources of the people."""
    probability: float
    """Share of samples that get people of other photos."""
    most: int = 3
    """Largest number of photos whose people are added."""
    size: tuple[float, float] = (0.4, 1.1)
    """Smallest and largest height of an added photo, as a share of the sample's."""

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Add people or return the sample unchanged."""
        if generator.random() >= self.probability:
            return sample
        groups = [group for group in self.groups if group.datasets == sample.datasets]
        for _ in range(int(generator.integers(1, self.most + 1))):
            other = _any_photo(groups, generator)
            sample = self._paste(sample, other, generator)
        return sample

    def _paste(self, sample: Sample, other: Sample, generator: np.random.Generator) -> Sample:
        height, width = sample.photo.shape[:2]
        factor = generator.uniform(*self.size) * height / other.photo.shape[0]
        # Half of an added person may lie outside; feet are rarely far above the ground. A photo
        # larger than the sample may start so far up or left that its other end is seen: so any
        # part of a person may be, such as a back, a shoulder or hair.
        high, wide = factor * np.divide(other.photo.shape[:2], (height, width))
        top = int(generator.uniform(min(-0.1, 1.1 - high), 0.5) * height)
        left = int(generator.uniform(min(-0.25, 1.1 - wide), 0.85) * width)
        moved = _moved(other, factor, (top, left), (height, width))
        pasted = moved.people
        if generator.random() < 0.5:  # they stand behind
            pasted &= ~sample.people
        # Only some samples have a coarse map; without one added pixels are ignored in it.
        return sample.changed(
            lay_over(sample.photo, moved.photo, pasted),
            lambda name, old: np.where(pasted, moved.label_maps.get(name, np.uint8(IGNORE)), old),
        )


def _any_photo(groups: Sequence[Group], generator: np.random.Generator) -> Sample:
    """Read a random photo of all groups, each with the same probability."""
    index = int(generator.integers(sum(len(group.keys) for group in groups)))
    for group in groups:
        if index < len(group.keys):
            break
        index -= len(group.keys)
    return group.read(index)


@dataclass(frozen=True)
class RandomOccluder:
    """Cover a part of a sample by a piece of a person-free photo, labeled background."""

    photos: Sequence[Path]
    """Person-free photos."""
    probability: float
    """Share of samples that get an occluder."""
    size: tuple[float, float] = (0.1, 0.45)
    """Smallest and largest extent, as a share of the photo's sides."""

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Add an occluder or return the sample unchanged."""
        if generator.random() >= self.probability:
            return sample
        height, width = sample.photo.shape[:2]
        cover = any_cover(self.photos, height, width, generator)
        shape = self._shape(height, width, generator)
        photo = lay_over(sample.photo, cover, shape)
        return sample.changed(photo, lambda _, old: np.where(shape, np.uint8(0), old))

    def _shape(
        self, height: int, width: int, generator: np.random.Generator
    ) -> Bool[np.ndarray, "{height} {width}"]:
        """Return a random ellipse or box."""
        center = generator.uniform((0, 0), (width, height))
        sides = generator.uniform(*self.size, 2) * (width, height)
        box = (tuple(center), tuple(sides), float(generator.uniform(0, 180)))
        canvas = np.zeros((height, width), np.uint8)
        if generator.random() < 0.5:
            cv2.ellipse(canvas, box, 1, -1)
        else:
            cv2.fillConvexPoly(canvas, cv2.boxPoints(box).astype(np.int32), 1)
        return canvas > 0


def _moved(sample: Sample, factor: float, corner: tuple[int, int], size: tuple[int, int]) -> Sample:
    """Resize a sample and put it on an empty canvas, which crops it."""
    width, height = (max(1, round(side * factor)) for side in sample.photo.shape[1::-1])

    def move(picture: Picture, interpolation: int) -> Picture:
        resized = np.asarray(cv2.resize(picture, (width, height), interpolation=interpolation))
        canvas = np.zeros((*size, *picture.shape[2:]), np.uint8)
        (top, to_top), (left, to_left) = ((max(0, -offset), max(0, offset)) for offset in corner)
        seen = resized[top : top + size[0] - to_top, left : left + size[1] - to_left]
        canvas[to_top : to_top + seen.shape[0], to_left : to_left + seen.shape[1]] = seen
        return canvas

    photo = move(sample.photo, cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    return sample.changed(photo, lambda _, old: move(old, cv2.INTER_NEAREST))
