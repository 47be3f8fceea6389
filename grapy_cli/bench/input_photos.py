"""The photos that a bench measures: those of the user or drawn ones, resized where asked."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from grapy_cli.image_io.photos import read_photo
from grapy_cli.image_io.sample_photos import draw_photos
from grapy_cli.predict.sources import FoundPhoto, find_photos

SIZES: Mapping[str, tuple[int, int]] = {
    "448px": (448, 336),
    "2mp": (1632, 1224),
    "12mp": (4000, 3000),
    "48mp": (8064, 6048),
}
"""Longer and shorter side, pixels, by what `--size` calls it; photos keep their own shape."""


def collect_photos(sources: Sequence[str], size: str | None, scratch: Path) -> list[FoundPhoto]:
    """Return the photos to measure.

    Args:
        sources: Photos and folders; none for drawn photos.
        size: A name of `SIZES`; None keeps the photos' own sizes.
        scratch: Folder for photos that are drawn or resized.

    Raises:
        SettingsError: If a source is not there.
        PhotoError: If a photo that is to be resized cannot be read.
    """
    if not sources:
        drawn = scratch / "drawn"
        drawn.mkdir()
        draw_photos(drawn)
        sources = [str(drawn)]
    photos = find_photos(sources, leave_out=scratch / "masks")
    if size is None:
        return photos
    resized = scratch / "resized"
    resized.mkdir()
    for index, photo in enumerate(photos):
        name = f"{index}-{photo.relative.stem}.jpg"
        _write_resized(photo, math.prod(SIZES[size]), resized / name)
    return find_photos([str(resized)], leave_out=scratch / "masks")


def _write_resized(photo: FoundPhoto, num_pixels: int, path: Path) -> None:
    pixels = read_photo(photo.source)
    scale = math.sqrt(num_pixels / math.prod(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    resized = cv2.resize(pixels, (width, height), interpolation=how)
    Image.fromarray(np.asarray(resized, np.uint8)).save(path, quality=90)
