"""Is a photo and its label map fit for training? Reading them strictly, and saying why not."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Int16, UInt8
from PIL import Image

from grapy_cli.data.files import UNREADABLE
from grapy_cli.errors import DatasetError
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.labels.label_set import Color

COLOR_TOLERANCE = 4
"""Grey levels per channel that a colour may be off; the PASCAL pictures are off by two."""

_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


def photo_size(path: Path) -> tuple[int, int]:
    """Decode a photo to its last byte and return its upright height and width, pixels.

    Raises:
        DatasetError: If it is no picture, or broken.
    """
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            sideways = picture.getexif().get(_ORIENTATION) in _SIDEWAYS
            # A JPEG is decoded at an eighth of its size: every byte is read, so a truncated file
            # is seen, at a third of the time.
            picture.draft("L", (1, 1))
            picture.load()
    except UNREADABLE as error:
        raise DatasetError(f"the photo cannot be read: {error}") from error
    return (width, height) if sideways else (height, width)


def read_label(path: Path, colors: Mapping[Color, int]) -> UInt8[np.ndarray, "h w"]:
    """Read a label map as released: grey values, palette indices, or colours by a table.

    Raises:
        DatasetError: If it cannot be read, or holds colours that no table explains.
    """
    try:
        with Image.open(path) as picture:
            mode = picture.mode
            if mode in ("L", "P"):
                return np.array(picture)
            pixels = np.array(picture.convert("RGB")) if mode in ("RGB", "RGBA") else None
    except UNREADABLE as error:
        raise DatasetError(f"the label map cannot be read: {error}") from error
    if pixels is None or not colors:
        raise DatasetError(f"the label map holds no part ids: its mode is {mode}")
    return _ids_of(pixels, colors)


def check_ids(label_map: UInt8[np.ndarray, "h w"], labels: LabelSet) -> str:
    """Check that all ids are parts or ignore; return what looks odd, or nothing.

    Raises:
        DatasetError: If there are other ids.
    """
    counts = np.bincount(label_map.ravel(), minlength=256)
    unknown = np.flatnonzero(counts[labels.num_parts : IGNORE]) + labels.num_parts
    if unknown.size:
        some = ", ".join(map(str, unknown[:8].tolist()))
        raise DatasetError(
            f"the label map has ids {some}, but {labels.name} has 0 to {labels.num_parts - 1}"
        )
    return "" if counts[1 : labels.num_parts].any() else "the label map shows nobody"


def _ids_of(
    pixels: UInt8[np.ndarray, "h w 3"], colors: Mapping[Color, int]
) -> UInt8[np.ndarray, "h w"]:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    ids = np.asarray(_color_table(tuple(colors.items()))[red, green, blue])
    if (ids < 0).any():
        some = np.unique(pixels[ids < 0], axis=0)[:4].tolist()
        raise DatasetError(f"the label map has colours that name no part: {some}")
    return np.asarray(ids, np.uint8)


@lru_cache(maxsize=4)
def _color_table(colors: tuple[tuple[Color, int], ...]) -> Int16[np.ndarray, "256 256 256"]:
    """The id of every RGB colour, -1 where it is near none; 32 MiB, made once."""
    table = np.full((256, 256, 256), -1, np.int16)
    for color, part in colors:
        table[tuple(slice(max(c - COLOR_TOLERANCE, 0), c + COLOR_TOLERANCE + 1) for c in color)] = (
            part
        )
    for color, part in colors:  # of two near colours each keeps at least its own
        table[color] = part
    return table
