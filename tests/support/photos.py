"""Photos that are not what they seem."""

import struct
import zlib

import numpy as np


def png_that_claims(width: int, height: int) -> bytes:
    """A gray PNG of that size by its header, with the pixels of none."""
    return _png(width, height, 8, 0, b"")


def png(samples: np.ndarray, bits: int, color_type: int) -> bytes:
    """A PNG of any bit depth: Pillow writes 8 and 16 alone."""
    height, width = samples.shape[:2]
    rows = samples.reshape(height, -1)
    unpacked = np.unpackbits(rows.astype(">u2").view(np.uint8).reshape(height, -1, 2), axis=2)
    packed = np.packbits(unpacked[..., 16 - bits :].reshape(height, -1), axis=1)
    return _png(width, height, bits, color_type, b"".join(b"\0" + row.tobytes() for row in packed))


def _png(width: int, height: int, bits: int, color_type: int, lines: bytes) -> bytes:
    header = struct.pack(">2I5B", width, height, bits, color_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
