"""Read photos that Python code passes as arrays."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.image_io.photos import WHITES, read_photo

ACCEPTED = (
    "Accepted are h x w (gray), h x w x 3 (RGB) and h x w x 4 (RGBA), as integers in [0, 255], "
    "16-bit integers, or floats in [0, 1] or [0, 255]."
)
_CHANNELS = (1, 3, 4)


def read_array(array: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    """Return an array as an RGB photo; transparency lies on white, as in files.

    Raises:
        PhotoError: If the shape, the type or the values are not those of a photo.
    """
    is_flat = array.ndim == 2
    has_channels = array.ndim == 3 and array.shape[2] in _CHANNELS
    if array.size == 0 or not (is_flat or has_channels):
        raise _refusal(f"of shape {array.shape}{_axes_of(array.shape)}")
    pixels = np.ascontiguousarray(_in_bytes(array))
    if pixels.shape[2:] == (3,):
        return pixels
    return read_photo(Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels))


def _in_bytes(array: np.ndarray) -> UInt8[np.ndarray, "..."]:
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "uif":
        raise _refusal(f"of type {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _refusal("with values that are not finite")
    lowest, highest = float(array.min()), float(array.max())
    most = 65535 if array.dtype == np.uint16 else 255
    is_unclear = array.dtype.kind == "f" and 1 < highest < 2  # black of 255, or too white of 1
    if lowest < 0 or highest > most or is_unclear:
        raise _refusal(f"of type {array.dtype} with values from {lowest:.4g} to {highest:.4g}")
    scale = 255 / _white_of(array.dtype, highest)
    return np.rint(array * np.float64(scale)).astype(np.uint8)


def _white_of(dtype: np.dtype, highest: float) -> int:
    if dtype.kind == "f" and highest <= 1:
        return 1
    return next(white for white in WHITES[1:] if highest <= white)


def _axes_of(shape: tuple[int, ...]) -> str:
    """Name the likely mistake in a shape."""
    match shape:
        case (1 | 3 | 4, _, _):
            return ", which looks like channels first: array.transpose(1, 2, 0) puts them last"
        case (_, _, _, _):
            return ", which looks like several photos: parse_many takes them"
        case _:
            return ""


def _refusal(what: str) -> PhotoError:
    return PhotoError(f"an array {what} is not a photo", hint=ACCEPTED)
