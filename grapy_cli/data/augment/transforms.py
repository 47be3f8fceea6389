"""Augmentations of training samples: each takes a sample and a generator, and returns a sample."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch.nn import functional as F

from grapy_cli.data.sample import Sample
from grapy_cli.image_io.label_maps import count_ids
from grapy_cli.labels import IGNORE

Transform = Callable[[Sample, np.random.Generator], Sample]
Picture = UInt8[np.ndarray, "..."]

WHOLE = 7
"""Largest size of a resized photo, in windows, that torch resizes whole. Of larger ones Pillow
resizes only the window, which is slower per pixel."""

_GRAY = np.array([0.299, 0.587, 0.114])
"""Luminance of red, green and blue (ITU-R BT.601)."""


def compose(*steps: Transform) -> Transform:
    """Join augmentations into one.

    The result can be pickled, which data loaders with spawned workers need.
    """
    return partial(_apply, steps)


def _apply(steps: Sequence[Transform], sample: Sample, generator: np.random.Generator) -> Sample:
    for step in steps:
        sample = step(sample, generator)
    return sample


@dataclass(frozen=True)
class RandomWindow:
    """Resize by a random factor and cut a window of fixed size out of the result.

    Sides shorter than the window are padded right and below: the photo black, the label maps with
    `padding_label`.

    Source: reference `RandomSized_new`: factors for width and height drawn independently, sizes
        truncated, bilinear (antialiased) for the photo and nearest for labels.
    Differs: padding is labeled 255 (ignore) unless 0 (background, the reference's) is asked for.
    """

    size: tuple[int, int]
    """Height and width of the window, pixels."""
    scale: tuple[float, float] = (0.5, 2.0)
    keep_aspect: bool = False
    even_scales: bool = False
    """Draw the factor's logarithm evenly instead of the factor."""
    padding_label: int = IGNORE
    focus: float = 0.0
    """Share of windows around a pixel of a part; each part has the same probability."""

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Draw factors and offsets, and cut."""
        height, width = sample.photo.shape[:2]
        width_factor = self._factor(generator)
        height_factor = width_factor if self.keep_aspect else self._factor(generator)
        scaled = max(1, int(height * height_factor)), max(1, int(width * width_factor))
        if self.focus and generator.random() < self.focus and sample.people.any():
            pixel = _pixel_of_a_part(sample, generator)
            return self.cut(sample, scaled, self._around(pixel, (height, width), scaled, generator))
        left, top = (
            int(generator.integers(0, full - window + 1)) if full > window else 0
            for full, window in ((scaled[1], self.size[1]), (scaled[0], self.size[0]))
        )
        return self.cut(sample, scaled, (top, left))

    def _around(
        self,
        pixel: tuple[int, int],
        source: tuple[int, int],
        scaled: tuple[int, int],
        generator: np.random.Generator,
    ) -> tuple[int, int]:
        """Return a corner (top, left) that puts a pixel at a random place in the window."""
        top, left = (
            min(max(0, at * to // full - int(generator.integers(window))), max(0, to - window))
            for at, full, to, window in zip(pixel, source, scaled, self.size, strict=True)
        )
        return top, left

    def _factor(self, generator: np.random.Generator) -> float:
        if self.even_scales:
            return float(np.exp(generator.uniform(*np.log(self.scale))))
        return float(generator.uniform(*self.scale))

    def cut(self, sample: Sample, scaled: tuple[int, int], corner: tuple[int, int]) -> Sample:
        """Cut the window at `corner` (top, left) of the sample resized to `scaled`."""
        window = _Window(sample.photo.shape[:2], scaled, corner, self.size)
        return sample.changed(
            window.cut(sample.photo, 0), lambda _, old: window.cut(old, self.padding_label)
        )


def _pixel_of_a_part(sample: Sample, generator: np.random.Generator) -> tuple[int, int]:
    """Draw a label map, one of the parts it shows, and a pixel of that part (row, column)."""
    maps = [one for one in sample.label_maps.values() if ((one > 0) & (one < IGNORE)).any()]
    label_map = maps[int(generator.integers(len(maps)))] if maps else sample.people.astype(np.uint8)
    parts = np.flatnonzero(count_ids(label_map)[:IGNORE])
    part = generator.choice(parts[parts > 0])
    pixels = np.flatnonzero(label_map == part)
    row, column = divmod(int(generator.choice(pixels)), label_map.shape[1])
    return row, column


@dataclass(frozen=True)
class _Window:
    source: tuple[int, ...]
    scaled: tuple[int, int]
    corner: tuple[int, int]
    size: tuple[int, int]

    def cut(self, picture: Picture, fill: int) -> Picture:
        """Cut the window out of a photo (bilinear) or of a label map (nearest)."""
        height, width = self._seen
        top, left = self.corner
        if picture.ndim == 2:
            rows, columns = self._nearest
            window = picture.take(rows, 0).take(columns, 1)
        elif math.prod(self.scaled) <= WHOLE * height * width:
            resized = resize_photo(picture, *self.scaled)
            window = resized[top : top + height, left : left + width]
        else:
            window = self._resize_window(picture)
        beside = self.size[0] - height, self.size[1] - width
        if not any(beside):
            return window
        edge = cv2.BORDER_CONSTANT
        return cv2.copyMakeBorder(window, 0, beside[0], 0, beside[1], edge, value=[fill] * 3)

    @property
    def _seen(self) -> tuple[int, int]:
        """Return the height and width of the resized photo's part inside the window."""
        height, width = (
            min(s - c, w) for s, c, w in zip(self.scaled, self.corner, self.size, strict=True)
        )
        return height, width

    @property
    def _step(self) -> list[float]:
        """Return the pixels of the photo per pixel of the resized one, in both directions."""
        return [src / dst for src, dst in zip(self.source, self.scaled, strict=True)]

    @property
    def _nearest(self) -> list[Int[np.ndarray, " _"]]:
        """Return the photo's rows and columns that are nearest to the window's pixels."""
        return [
            ((np.arange(corner, corner + seen) + 0.5) * step).astype(np.intp)
            for corner, seen, step in zip(self.corner, self._seen, self._step, strict=True)
        ]

    def _resize_window(self, photo: Picture) -> Picture:
        (down, right), (top, left), (height, width) = self._step, self.corner, self._seen
        box = (
            left * right,
            top * down,
            min((left + width) * right, self.source[1]),
            min((top + height) * down, self.source[0]),
        )
        bilinear = Image.Resampling.BILINEAR
        return np.asarray(Image.fromarray(photo).resize((width, height), bilinear, box))


def resize_photo(
    photo: UInt8[np.ndarray, "h w 3"], height: int, width: int
) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """Resize bilinearly with antialiasing, as Pillow does, in a fifth of its time.

    Differs: from Pillow by one level in 3 of 100 values, at some factors in up to 20 of them.
    """
    # The batch axis is added first: added last, its stride hides from torch that channels are last,
    # which doubles the time.
    image = torch.from_numpy(photo)[None].permute(0, 3, 1, 2)
    resized = F.interpolate(image, (height, width), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


@dataclass(frozen=True)
class RandomMirror:
    """Mirror the photo and exchange left and right parts.

    Differs: the reference reads mirrored annotations from separate files, which may contradict the
    originals; here the label set says what a part becomes.
    """

    mirror_ids: Mapping[str, tuple[int, ...]]
    """`LabelSet.mirror_ids` of each data set."""
    probability: float = 0.5

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Mirror or return the sample unchanged."""
        return self.mirror(sample) if generator.random() < self.probability else sample

    def mirror(self, sample: Sample) -> Sample:
        """Mirror the sample."""
        return sample.changed(
            cv2.flip(sample.photo, 1),
            lambda name, old: cv2.LUT(cv2.flip(old, 1), self._table(name)),
        )

    def _table(self, name: str) -> UInt8[np.ndarray, "256"]:
        table = np.arange(256, dtype=np.uint8)
        ids = self.mirror_ids[name]
        table[: len(ids)] = ids
        return table


@dataclass(frozen=True)
class RandomRotation:
    """Rotate by a random angle about the center; pixels from outside are ignored."""

    degrees: float

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Draw an angle and rotate."""
        height, width = sample.photo.shape[:2]
        angle = generator.uniform(-self.degrees, self.degrees)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)

        def turn(picture: Picture, flags: int, fill: int) -> Picture:
            turned: Picture = cv2.warpAffine(
                picture, matrix, (width, height), flags=flags, borderValue=(fill, fill, fill)
            )
            return turned

        return sample.changed(
            turn(sample.photo, cv2.INTER_LINEAR, 0),
            lambda _, old: turn(old, cv2.INTER_NEAREST, IGNORE),
        )


@dataclass(frozen=True)
class RandomColor:
    """Change brightness, contrast, saturation and tint.

    Args:
        strength: 0 changes nothing; 1 up to doubles or halves brightness, contrast and saturation,
            tints by up to a quarter, and makes a tenth of the photos gray.
    """

    strength: float

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Draw a change and apply it to the photo alone."""
        brightness, contrast, saturation = 2 ** generator.uniform(-self.strength, self.strength, 3)
        tint = 1 + generator.uniform(-self.strength, self.strength, 3) / 4
        if generator.random() < self.strength / 10:
            saturation = 0.0
        # All changes are linear in the colors, so one matrix and one offset apply to all pixels.
        mix = saturation * np.eye(3) + (1 - saturation) * _GRAY
        middle = _GRAY @ cv2.mean(sample.photo)[:3]
        gain = tint * brightness**0.5
        matrix = np.column_stack([gain[:, None] * contrast * mix, gain * (1 - contrast) * middle])
        return replace(sample, photo=cv2.transform(sample.photo, matrix))


@dataclass(frozen=True)
class RandomBlur:
    """Blur, or compress as JPEG, a share of the photos."""

    probability: float

    def __call__(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Degrade the photo or return the sample unchanged."""
        if generator.random() >= self.probability:
            return sample
        if generator.random() < 0.5:
            blurred = cv2.GaussianBlur(sample.photo, (0, 0), generator.uniform(0.4, 1.6))
            return replace(sample, photo=blurred)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(25, 85))]
        _, encoded = cv2.imencode(".jpg", sample.photo, quality)
        spoiled: Picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR)  # type: ignore[assignment]
        return replace(sample, photo=spoiled)
