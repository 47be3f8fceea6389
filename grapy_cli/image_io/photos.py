"""Photos as a person sees them, whatever way their files hold them."""

import io
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import ExifTags, Image, UnidentifiedImageError

from grapy_cli.errors import DatasetError, PhotoError

UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises on files that are no pictures, broken, truncated or absurdly large."""

_END_OF_JPEG = b"\xff\xd9"
_AS_IT_LIES = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION

NO_PHOTOS = frozenset({"EPS", "WMF", "PDF", "MPEG", "HDF5", "GRIB", "BUFR"})
"""What Pillow opens, but has other programs read, or cannot read: whatever a file is called, its
content may be of these."""

USUAL = ("JPEG", "PNG")
"""Formats that Pillow reads at once; for all others it loads 60 modules, which takes 20 ms."""

_TURNS: Mapping[int, Image.Transpose] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
"""What makes a photo upright, by its EXIF orientation."""

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


@cache
def photo_formats() -> tuple[str, ...]:
    """Names of the formats that photos are read in, the usual ones first.

    Pillow asks one after the other, and some of them only say no by trying.
    """
    Image.init()
    return (*USUAL, *(name for name in Image.ID if name not in NO_PHOTOS.union(USUAL)))


def orientation_of(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none that can be read."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation)
    except (*UNREADABLE, TypeError, LookupError, ArithmeticError):
        return 1
    return int(value) if isinstance(value, int) and value in _TURNS else 1


def upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF says; what else is in there, which may be damaged, is left out."""
    turn = _TURNS.get(orientation_of(picture))
    return picture if turn is None else picture.transpose(turn)


def load_photo(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo as a person sees it: RGB, turned upright by its EXIF orientation.

    Raises:
        DatasetError: If the file is missing, no picture, or broken.
    """
    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=photo_formats()) as picture:
            decoded = decode_jpeg(data) if _is_common(picture) else None
            if decoded is not None:
                return decoded
            picture.load()
            turned = upright(picture)
            return np.array(turned.convert("RGB") if turned.mode != "RGB" else turned)
    except UNREADABLE as error:
        raise DatasetError(f"the photo {path} cannot be read: {error}") from error


def decode_jpeg(data: bytes) -> UInt8[np.ndarray, "h w 3"] | None:
    """Decode a JPEG to RGB by OpenCV: the pixels that Pillow gives, in half the time.

    None if it is cut off, which OpenCV would fill with grey, or cannot be decoded.
    """
    if not data.endswith(_END_OF_JPEG):
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), _AS_IT_LIES)


def _is_common(picture: Image.Image) -> bool:
    """Whether it is a JPEG as most are: in colour, and upright."""
    return picture.format == "JPEG" and picture.mode == "RGB" and orientation_of(picture) == 1
