"""Photos as a person sees them, whatever way their files hold them."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from grapy_cli.data.files import UNREADABLE
from grapy_cli.errors import PhotoError


def read_photo(photo: str | Path | Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo as a person sees it: upright, RGB, its first frame; transparency lies on white.

    Raises:
        PhotoError: If it is no picture, broken, or absurdly large: twice Pillow's limit.
    """
    try:
        with _large_photos_are_fine():
            if isinstance(photo, Image.Image):
                return _upright(photo)
            with Image.open(photo) as picture:
                return _upright(picture)
    except UNREADABLE as error:
        name = "photo" if isinstance(photo, Image.Image) else f"photo {photo}"
        raise PhotoError(f"the {name} cannot be read: {error}") from error


def open_photo(data: bytes) -> Image.Image:
    """Open the bytes of a photo; its pixels are read later, by `read_photo`."""
    with _large_photos_are_fine():
        return Image.open(io.BytesIO(data))


@contextmanager
def _large_photos_are_fine() -> Iterator[None]:
    """Keep Pillow from warning of photos above 89 megapixels; it refuses those above 179."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _upright(picture: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    return np.array(_opaque(ImageOps.exif_transpose(picture)).convert("RGB"))


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I;16") or picture.mode == "I":
        # Pillow clips 16 bits to 8 where a person would expect them scaled.
        values = np.asarray(picture, np.float32) / 257
        return Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if "transparency" not in picture.info and picture.mode not in ("RGBA", "LA", "PA"):
        return picture
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
