"""Is a photo and its label map fit for training? Reading them strictly, and saying why not."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Int16, UInt8
from PIL import Image

from grapy_cli.image_io.label_maps import LABEL_FORMATS
from grapy_cli.image_io.photos import UNREADABLE, orientation_of, photo_formats
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.labels.label_set import Color
from grapy_cli.prepare.pascal_part import read_pascal_part
from grapy_cli.prepare.problems import BadSample

COLOR_TOLERANCE = 4
"""Grey levels per channel that a colour may be off; the PASCAL pictures are off by two."""

_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


class PhotoFacts(NamedTuple):
    """What decoding a photo shows."""

    height: int
    """Pixels, upright; likewise the width."""
    width: int
    orientation: int
    """Of its EXIF; 1 where it is stored as it is seen."""


def check_photo(data: bytes) -> PhotoFacts:
    """Decode a photo to its last byte.

    Raises:
        BadSample: If it is no picture, or broken.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=photo_formats())
    except UNREADABLE as error:
        raise BadSample("unreadable-photo", f"the photo cannot be read: {_why(error)}") from error
    try:
        with picture:
            width, height = picture.size
            orientation = orientation_of(picture)
            # A JPEG is decoded at an eighth of its size: every byte is read, so a truncated file
            # is seen, at a third of the time.
            picture.draft("L", (1, 1))
            picture.load()
    except UNREADABLE as error:
        raise BadSample("truncated-photo", f"the photo cannot be read: {_why(error)}") from error
    size = (width, height) if orientation in _SIDEWAYS else (height, width)
    return PhotoFacts(*size, orientation)


def read_label(
    data: bytes, colors: Mapping[Color, int], suffix: str = ".png"
) -> UInt8[np.ndarray, "h w"]:
    """Read a label map as released: grey values, palette indices, colours by a table, or `.mat`.

    Raises:
        BadSample: If it cannot be read, or holds colours that no table explains.
    """
    if suffix.lower() == ".mat":
        return read_pascal_part(data)
    try:
        picture = Image.open(io.BytesIO(data), formats=LABEL_FORMATS)
    except UNREADABLE as error:
        reason = f"the label map cannot be read: {_why(error)}"
        raise BadSample("unreadable-label", reason) from error
    try:
        with picture:
            mode = picture.mode
            if mode in ("L", "P"):
                return np.array(picture)
            pixels = np.array(picture.convert("RGB")) if mode in ("RGB", "RGBA") else None
    except UNREADABLE as error:
        reason = f"the label map cannot be read: {_why(error)}"
        raise BadSample("truncated-label", reason) from error
    if pixels is None or not colors:
        raise BadSample("colours", f"the label map holds no part ids: its mode is {mode}")
    return _ids_of(pixels, colors)


def check_ids(counts: np.ndarray, labels: LabelSet) -> None:
    """Check, by the pixels of each id, that all ids are parts or ignore.

    Raises:
        BadSample: If there are other ids.
    """
    unknown = np.flatnonzero(counts[labels.num_parts : IGNORE]) + labels.num_parts
    if unknown.size:
        some = ", ".join(f"{one} ({counts[one]} pixels)" for one in unknown[:8].tolist())
        raise BadSample(
            "foreign-ids",
            f"the label map has ids {some}, but {labels.name} has 0 to {labels.num_parts - 1}",
        )


def _why(error: BaseException) -> str:
    """What Pillow says, without the memory address of the bytes it was given."""
    return "it is no picture" if "BytesIO" in str(error) else str(error)


def _ids_of(
    pixels: UInt8[np.ndarray, "h w 3"], colors: Mapping[Color, int]
) -> UInt8[np.ndarray, "h w"]:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    ids = np.asarray(_color_table(tuple(colors.items()))[red, green, blue])
    strange = ids < 0
    if strange.any():
        some = np.unique(pixels[strange], axis=0)[:4].tolist()
        raise BadSample(
            "colours",
            f"the label map has colours that name no part: {some}, "
            f"{np.count_nonzero(strange)} pixels",
        )
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
