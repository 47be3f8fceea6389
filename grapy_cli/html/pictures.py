"""Pictures as data URLs, so that they are part of the page."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.html.svg import Color


def data_url(kind: str, data: bytes) -> str:
    """Return the bytes of a picture as a data URL; the kind is "png" or "jpeg"."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def jpeg_url(picture: Image.Image, side: int, quality: int = 80) -> str:
    """Return a photo as a JPEG whose longest side has at most `side` pixels."""
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=quality)
    return data_url("jpeg", written.getvalue())


def layer_url(ids: UInt8[np.ndarray, "h w"], inks: Sequence[tuple[Color, int]]) -> str:
    """Paint each id in its ink, as a PNG that can lie over a photo.

    Args:
        inks: By id: a color, and its opacity from 0 to 255.
    """
    picture = Image.fromarray(ids).convert("P")
    picture.putpalette([channel for color, _ in inks for channel in color])
    written = io.BytesIO()
    picture.save(written, "PNG", transparency=bytes(alpha for _, alpha in inks), optimize=True)
    return data_url("png", written.getvalue())
