"""Photos and label maps as files."""

import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image

from grapy_cli.errors import DatasetError
from grapy_cli.files import replacing

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
LABEL_FORMATS = ("PNG",)

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


def load_label_map(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Read a label map: the grey values or palette indices of a PNG, never its colours.

    Raises:
        DatasetError: If the file is missing, broken, or neither grey nor indexed.
    """
    try:
        with Image.open(path, formats=LABEL_FORMATS) as picture:
            if picture.mode in ("L", "P"):
                return np.array(picture)
            mode = picture.mode
    except UNREADABLE as error:
        raise DatasetError(f"the label map {path} cannot be read: {error}") from error
    raise DatasetError(f"the label map {path} is neither grey nor indexed, but {mode}")


def save_label_map(path: Path, label_map: UInt8[np.ndarray, "h w"], palette: Sequence[int]) -> None:
    """Write a label map as an 8-bit indexed PNG; the palette has up to 768 numbers."""
    data = encode_label_map(label_map, palette)
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)


def encode_label_map(label_map: UInt8[np.ndarray, "h w"], palette: Sequence[int]) -> bytes:
    """Return a label map as the bytes of an 8-bit indexed PNG.

    Rows are stored as they are: a label map is written a few times at most but read again in every
    epoch, and the differences of rows, though a fifth smaller, take twice the time to read.
    """
    height, width = label_map.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each led by the filter 0 of PNG, "None"
    rows[:, 1:] = label_map
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, indexed
    chunks = (
        (b"IHDR", header),
        (b"PLTE", bytes(palette)),
        (b"IDAT", zlib.compress(rows.data, 3)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum
