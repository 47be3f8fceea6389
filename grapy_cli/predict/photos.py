"""Photos as a person sees them, whatever way their files hold them."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError

from grapy_cli.data.files import UNREADABLE, USUAL, orientation_of, photo_formats, upright
from grapy_cli.errors import PhotoError

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""What phones write and Pillow reads through the extra `heif` alone."""

_STRIP = 256  # rows


class ReadPhoto(NamedTuple):
    """A photo's pixels, and how large it is itself."""

    pixels: UInt8[np.ndarray, "u v 3"]
    """RGB, upright; fewer than the photo's own where it was shrunk."""
    size: tuple[int, int]
    """Height and width of the photo, upright, pixels."""


def read_photo(photo: str | Path | bytes | Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo as a person sees it: upright, RGB, its first frame; transparency lies on white.

    Raises:
        PhotoError: If it is no picture, broken, or absurdly large: twice Pillow's limit.
    """
    return read_shrunk(photo).pixels


def read_shrunk(photo: str | Path | bytes | Image.Image, max_side: int = 0) -> ReadPhoto:
    """Read a photo as `read_photo` does, and make it smaller on the way.

    Args:
        photo: A file, its bytes, or a picture.
        max_side: Longest side of what is returned, pixels. A JPEG is decoded in a half, a quarter
            or an eighth of its size, so that a huge one costs little. 0 for any size.

    Raises:
        PhotoError: If it is no picture, broken, or absurdly large: twice Pillow's limit.
    """
    try:
        if isinstance(photo, Image.Image):
            return _read(photo.copy() if max_side else photo, max_side)
        with open_photo(photo) as picture:
            return _read(picture, max_side)
    except UNREADABLE as error:
        raise _unreadable(photo, error) from error


def read_size(photo: str | Path | bytes) -> tuple[int, int]:
    """Read a photo's height and width alone, as they lie in the file.

    Raises:
        PhotoError: If it is no picture, or absurdly large.
    """
    try:
        with open_photo(photo) as picture:
            return picture.height, picture.width
    except UNREADABLE as error:
        raise _unreadable(photo, error) from error


def open_photo(photo: str | Path | bytes) -> Image.Image:
    """Open a photo, a file or its bytes; its pixels are read later, by `read_photo`.

    Raises whatever Pillow raises, see `UNREADABLE`.
    """
    with _large_photos_are_fine():
        opened = io.BytesIO(photo) if isinstance(photo, bytes) else photo
        try:
            return Image.open(opened, formats=USUAL)
        except UnidentifiedImageError:
            return Image.open(opened, formats=_formats())


def _formats() -> tuple[str, ...]:
    return photo_formats() + (("HEIF",) if learn_heif() else ())


@cache
def learn_heif() -> bool:
    """Teach Pillow the HEIC files of phones, and say whether it knows them now."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


_OPENING = Lock()


@contextmanager
def _large_photos_are_fine() -> Iterator[None]:
    """Keep Pillow from warning of photos above 89 megapixels; it refuses those above 179.

    Which warnings are shown is a matter of the whole process, so threads do this by turns.
    """
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _read(picture: Image.Image, max_side: int) -> ReadPhoto:
    width, height = picture.size
    is_shrunk = 0 < max_side < max(width, height)
    if is_shrunk:  # a JPEG is decoded small; twice the size that is wanted, for a clean last step
        scale = 2 * max_side / max(width, height)
        picture.draft(picture.mode, (round(scale * width), round(scale * height)))
    picture.load()  # a TIFF turns itself upright here, and says so
    orientation = orientation_of(picture)
    opaque = _opaque(upright(picture))
    colored = opaque if opaque.mode == "RGB" else opaque.convert("RGB")
    if is_shrunk:
        colored.thumbnail((max_side, max_side))
    size = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
    return ReadPhoto(_pixels(colored), size)


def _pixels(picture: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """Copy the pixels of an RGB picture, strip by strip: Pillow would hold all of them twice."""
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, _STRIP):
        bottom = min(top + _STRIP, picture.height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, picture.width, bottom)))
    return pixels


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        # Pillow clips 16 bits to 8 where a person would expect them scaled.
        return _grey(np.asarray(picture, np.float32) / 257)
    if picture.mode == "F":
        return _grey(_in_bytes(np.nan_to_num(np.asarray(picture))))
    if "transparency" not in picture.info and picture.mode not in ("RGBA", "LA", "PA"):
        return picture
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def _in_bytes(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Bring brightness in [0, 1], or of any other range above 255, into [0, 255]."""
    most = values.max()
    return values if 1 < most <= 255 else values * (255 / (most if most > 255 else 1))


def _grey(values: Float[np.ndarray, "h w"]) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _unreadable(photo: str | Path | bytes | Image.Image, error: Exception) -> PhotoError:
    if not isinstance(photo, str | Path):
        # Pillow's own words name the buffer's place in memory.
        why = "it is no picture" if isinstance(error, UnidentifiedImageError) else error
        return PhotoError(f"the photo cannot be read: {why}")
    if Path(photo).suffix.lower() in HEIF_SUFFIXES and not learn_heif():
        error = ValueError("HEIC needs the extra heif: pip install 'grapy-cli[heif]'")
    return PhotoError(f"the photo {photo} cannot be read: {error}")
