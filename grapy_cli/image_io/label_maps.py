"""Read and write the label maps of prepared data sets and masks."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Int64, UInt8
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.photos import UNREADABLE
from grapy_cli.labels import IGNORE
from grapy_cli.safe_text import download_mistake

_FORMATS = ("PNG",)
_STRIP = 256  # rows


def load_label_map(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Read a label map: the gray values or palette indices of a PNG, not its colors.

    Raises:
        DatasetError: If the file is missing, broken, or neither gray nor indexed.
    """
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.mode in ("L", "P"):
                return np.array(picture)
            mode = picture.mode
    except UNREADABLE as error:
        why = download_mistake(path) or error
        raise DatasetError(f"the label map {path} cannot be read: {why}") from error
    raise DatasetError(f"the label map {path} is neither gray nor indexed, but {mode}")


def save_label_map(path: Path, label_map: UInt8[np.ndarray, "h w"], palette: Sequence[int]) -> None:
    """Write a label map as an 8-bit indexed PNG; the palette has up to 768 numbers."""
    data = encode_label_map(label_map, palette)
    with replacing(path) as unfinished:
        unfinished.write_bytes(data)


def encode_label_map(label_map: UInt8[np.ndarray, "h w"], palette: Sequence[int]) -> bytes:
    """Return a label map as the bytes of an 8-bit indexed PNG, compressed by runs alone.

    Label maps are made of runs, so this takes no longer than zlib's levels and gives a third of
    the size. Rows are stored as they are: their differences take twice the time to read.
    """
    height, width = label_map.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each led by the filter 0 of PNG, "None"
    rows[:, 1:] = label_map
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, indexed
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", bytes(palette)),
        (b"IDAT", packer.compress(rows.data) + packer.flush()),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def look_up(label_map: UInt8[np.ndarray, "h w"], table: Sequence[int]) -> UInt8[np.ndarray, "h w"]:
    """Replace each id by its entry in a table; ids beyond the table become ignore."""
    entries = np.full(256, IGNORE, np.uint8)
    entries[: len(table)] = table
    return np.asarray(cv2.LUT(label_map, entries), np.uint8)


def shrunk_size(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return width and height, pixels, of a picture shrunk to a longest side.

    Args:
        shape: Height and width; further axes are left out.
    """
    height, width = shape[:2]
    scale = min(1, side / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink(label_map: UInt8[np.ndarray, "h w"], side: int) -> UInt8[np.ndarray, "u v"]:
    """Shrink a label map to a longest side, pixels; its values stay ids."""
    size = shrunk_size(label_map.shape, side)
    return np.asarray(cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def count_ids(label_map: UInt8[np.ndarray, "h w"]) -> Int64[np.ndarray, "256"]:
    """Count the pixels of each id.

    It counts runs of equal ids, which is several times as fast as counting pixels.
    """
    counts = np.zeros(256, np.int64)
    if not label_map.size:
        return counts
    for top in range(0, len(label_map), _STRIP):
        ids = label_map[top : top + _STRIP].ravel()
        ends = np.append(np.flatnonzero(ids[1:] != ids[:-1]), ids.size - 1)
        lengths = np.diff(ends, prepend=-1)
        counts += np.bincount(ids[ends], lengths, minlength=256).astype(np.int64)
    return counts


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


class Box(NamedTuple):
    """The smallest rectangle around a region, pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def crop(self) -> tuple[slice, slice]:
        """Index that crops a picture to the rectangle."""
        rows = slice(self.top, self.top + self.height)
        return rows, slice(self.left, self.left + self.width)


def box_of(region: Bool[np.ndarray, "h w"]) -> Box:
    """Find the box of a region that is not empty."""
    xs, ys = np.flatnonzero(region.any(0)), np.flatnonzero(region.any(1))
    return Box(int(xs[0]), int(ys[0]), int(xs[-1] - xs[0] + 1), int(ys[-1] - ys[0] + 1))
