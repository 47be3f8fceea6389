"""Pictures that stand in the page itself."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.html.elements import Color


def address(kind: str, data: bytes) -> str:
    """The bytes of a picture as an address that holds them; the kind is "png", "jpeg", ..."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def jpeg_address(picture: Image.Image, side: int, quality: int = 80) -> str:
    """A photo, made no larger than a longest side of so many pixels."""
    small = picture.convert("RGB")
    small.thumbnail((side, side))
    written = io.BytesIO()
    small.save(written, "JPEG", quality=quality)
    return address("jpeg", written.getvalue())


def see_through(ids: UInt8[np.ndarray, "h w"], inks: Sequence[tuple[Color, int]]) -> str:
    """Paint each id in its ink, and return the address of a PNG that can lie over a photo.

    Args:
        ids: What each pixel is.
        inks: By id, a colour and how much it hides, from 0 to 255.
    """
    picture = Image.fromarray(ids).convert("P")
    picture.putpalette([channel for color, _ in inks for channel in color])
    written = io.BytesIO()
    picture.save(written, "PNG", transparency=bytes(alpha for _, alpha in inks), optimize=True)
    return address("png", written.getvalue())
