"""Label maps as files."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.photos import UNREADABLE

LABEL_FORMATS = ("PNG",)


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
