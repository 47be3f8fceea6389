"""Photos and label maps as files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from grapy_cli.errors import DatasetError
from grapy_cli.files import replacing

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises on files that are no pictures, broken, truncated or absurdly large."""

PNG_LEVEL = 3  # 2.5 times as fast as the usual 6, for files a third larger


def load_photo(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo as a person sees it: RGB, turned upright by its EXIF orientation.

    Raises:
        DatasetError: If the file is missing, no picture, or broken.
    """
    try:
        with Image.open(path) as picture:
            ImageOps.exif_transpose(picture, in_place=True)
            return np.array(picture.convert("RGB") if picture.mode != "RGB" else picture)
    except UNREADABLE as error:
        raise DatasetError(f"the photo {path} cannot be read: {error}") from error


def load_label_map(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Read a label map: the grey values or palette indices of a PNG, never its colours.

    Raises:
        DatasetError: If the file is missing, broken, or neither grey nor indexed.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode in ("L", "P"):
                return np.array(picture)
            mode = picture.mode
    except UNREADABLE as error:
        raise DatasetError(f"the label map {path} cannot be read: {error}") from error
    raise DatasetError(f"the label map {path} is neither grey nor indexed, but {mode}")


def save_label_map(path: Path, label_map: UInt8[np.ndarray, "h w"], palette: Sequence[int]) -> None:
    """Write a label map as an 8-bit indexed PNG.

    The palette has 768 numbers, as `LabelSet.palette` gives them: with fewer Pillow would pack
    several pixels into one byte.
    """
    picture = Image.fromarray(label_map)
    picture.putpalette(palette)
    with replacing(path) as unfinished:
        picture.save(unfinished, format="PNG", compress_level=PNG_LEVEL)
