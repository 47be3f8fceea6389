"""Pictures that stand in the page itself."""

import base64
import io

from PIL import Image


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
