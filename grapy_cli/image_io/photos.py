"""Read photos as a person sees them; every command gets the same pixels from here.

A photo is upright, RGB and opaque. Transparency lies on white, more than 8 bits are scaled, and of
several pages the largest counts.
"""

import io
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import ExifTags, Image, UnidentifiedImageError

from grapy_cli.errors import DatasetError, PhotoError, install_extra
from grapy_cli.image_io.formats import HEIF_SUFFIXES, USUAL, learn_heif, photo_formats
from grapy_cli.safe_text import download_mistake

UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    struct.error,
    Image.DecompressionBombError,
)
"""What Pillow raises on files that are not pictures, or are broken, truncated or far too large."""

_END_OF_JPEG = b"\xff\xd9"
_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"mif2", b"msf1")
_STRIP = 256  # rows
_MOST_PAGES = 64
WHITES = (1, 255, 1023, 4095, 16383, 65535)
"""Largest values of the bits that cameras and scanners use of wider integers."""
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
_TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a photo upright, by its EXIF orientation."""

Enough = Callable[[int, int], tuple[int, int]]
"""How many rows and columns of a photo suffice, from its height and width, upright, pixels."""

Source = str | Path | bytes | Image.Image
"""A photo's file, the bytes of the file, or a picture of Pillow's."""


class ReadPhoto(NamedTuple):
    """A photo's pixels and its size."""

    pixels: UInt8[np.ndarray, "u v 3"]
    """RGB, upright; fewer than the photo's own where it was shrunk."""
    size: tuple[int, int]
    """Height and width of the photo, upright, pixels."""
    notes: tuple[str, ...] = ()
    """Choices that were made while the photo was read, a sentence each."""


class PhotoFacts(NamedTuple):
    """What a photo's file says about it."""

    height: int
    """Pixels, upright."""
    width: int
    """Pixels, upright."""
    orientation: int
    """EXIF orientation; 1 where the photo is stored as it is seen."""


def read_photo(photo: Source) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo as a person sees it: upright, RGB, its first frame; transparency lies on white.

    Raises:
        PhotoError: If it is not a picture, broken, or far too large: twice Pillow's limit.
    """
    return read_shrunk(photo).pixels


def load_photo(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Read a photo of a data set: the same pixels as `read_photo`.

    Raises:
        DatasetError: If the file is missing, not a picture, or broken.
    """
    try:
        return read_photo(path)
    except PhotoError as error:
        raise DatasetError(error.message) from error


def read_shrunk(photo: Source, max_side: int = 0, enough: Enough | None = None) -> ReadPhoto:
    """Read a photo as `read_photo` does, and make it smaller on the way.

    Args:
        max_side: Longest side of what is returned, pixels. A JPEG is decoded in a half, a quarter
            or an eighth of its size, so that a huge one costs little. 0 for any size.
        enough: A JPEG that `max_side` does not shrink is decoded likewise, and notes say so, if
            there still are at least twice as many rows and columns. None decodes all of it.

    Raises:
        PhotoError: If it is not a picture, broken, or far too large: twice Pillow's limit.
    """
    try:
        if isinstance(photo, Image.Image):
            return _read(photo.copy() if max_side else photo, None, max_side, None)
        with open_photo(photo) as picture:
            return _read(picture, photo, max_side, enough)
    except UNREADABLE as error:
        raise _unreadable(photo, error) from error


def read_size(photo: str | Path | bytes) -> tuple[int, int]:
    """Read only a photo's height and width, as they are stored in the file.

    Raises:
        PhotoError: If it is not a picture, or far too large.
    """
    try:
        with open_photo(photo) as picture:
            return picture.height, picture.width
    except UNREADABLE as error:
        raise _unreadable(photo, error) from error


def open_photo(photo: str | Path | bytes) -> Image.Image:
    """Open a photo, a file or its bytes, at its largest page; its pixels are read later.

    Raises what Pillow raises, see `UNREADABLE`.
    """
    with _large_photos_are_fine():
        opened = io.BytesIO(photo) if isinstance(photo, bytes) else photo
        try:
            picture = Image.open(opened, formats=USUAL)
        except UnidentifiedImageError:
            picture = Image.open(opened, formats=photo_formats())
        _seek_largest_page(picture)
        return picture


def facts_of(picture: Image.Image) -> PhotoFacts:
    """Return the upright size of an opened photo; its pixels are not read."""
    width, height = picture.size
    orientation = orientation_of(picture)
    is_sideways = orientation in _SIDEWAYS and picture.format != "TIFF"  # TIFF sizes are upright
    return PhotoFacts(*((width, height) if is_sideways else (height, width)), orientation)


def orientation_of(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none that can be read."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation)
    except (*UNREADABLE, TypeError, LookupError, ArithmeticError):
        return 1
    return int(value) if isinstance(value, int) and value in _TURNS else 1


def turned_upright(picture: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture as an EXIF orientation says; other EXIF data, maybe damaged, is not read."""
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def turn_upright(label_map: UInt8[np.ndarray, "h w"], orientation: int) -> UInt8[np.ndarray, "u v"]:
    """Turn a label map as a photo of that EXIF orientation is turned."""
    return np.array(turned_upright(Image.fromarray(label_map), orientation))


def decode_jpeg(data: bytes) -> UInt8[np.ndarray, "h w 3"] | None:
    """Decode a JPEG to RGB with OpenCV: the pixels that Pillow gives, in half the time.

    None if it is cut off, which OpenCV would fill with gray, or cannot be decoded.
    """
    if not data.endswith(_END_OF_JPEG):
        return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)


_OPENING = Lock()


@contextmanager
def _large_photos_are_fine() -> Iterator[None]:
    """Keep Pillow from warning of photos above 89 megapixels; it refuses those above 179.

    Warnings are filtered for the whole process, so threads do this by turns.
    """
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _seek_largest_page(picture: Image.Image) -> None:
    """Go to the largest page of a TIFF, because the first one may be a thumbnail."""
    if picture.format != "TIFF":
        return
    count = min(getattr(picture, "n_frames", 1), _MOST_PAGES)
    if count == 1:
        return
    sizes = []
    for page in range(count):
        picture.seek(page)
        sizes.append(picture.width * picture.height)
    picture.seek(sizes.index(max(sizes)))


def _read(
    picture: Image.Image, file: str | Path | bytes | None, max_side: int, enough: Enough | None
) -> ReadPhoto:
    is_deep_color = ";16" in raw_mode_of(picture)  # first: EXIF of a PNG is read after its pixels
    facts, notes = facts_of(picture), _page_notes(picture)
    is_shrunk = 0 < max_side < max(facts[:2])
    is_reduced = False
    if is_shrunk:
        _reduce_jpeg(picture, max_side / max(facts[:2]))
    elif enough is not None:
        rows, columns = enough(facts.height, facts.width)
        is_reduced = _reduce_jpeg(picture, max(rows / facts.height, columns / facts.width))
    is_whole = not (is_shrunk or is_reduced)
    if file is not None and is_whole and _is_common(picture, facts.orientation):
        pixels = decode_jpeg(file if isinstance(file, bytes) else Path(file).read_bytes())
        if pixels is not None:
            return ReadPhoto(pixels, facts[:2])
    picture.load()  # a TIFF turns itself upright here, and clears its orientation
    orientation = orientation_of(picture)
    if is_deep_color and picture.mode in ("RGB", "RGBA"):
        is_turned = orientation != facts.orientation
        shown, more = (picture, ()) if is_turned else _deep_color(picture, file)
    else:
        shown, more = _in_8_bits(picture)
    upright = turned_upright(_opaque(shown), orientation)
    if is_shrunk:
        upright.thumbnail((max_side, max_side))
    if is_reduced:
        more = (*more, f"the JPEG is decoded at {upright.width}x{upright.height} pixels")
    return ReadPhoto(_pixels(upright), facts[:2], (*notes, *more))


def _reduce_jpeg(picture: Image.Image, scale: float) -> bool:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8 of its size, and tell whether it will be.

    Args:
        picture: Opened, not loaded. Other formats than JPEG stay as they are.
        scale: What is wanted of each side. At least twice that is decoded, for a clean last step.
    """
    width, height = whole = picture.size
    picture.draft(
        picture.mode, (max(1, round(2 * scale * width)), max(1, round(2 * scale * height)))
    )
    return picture.size != whole


def raw_mode_of(picture: Image.Image) -> str:
    """Return how the file of an opened picture stores its samples, in Pillow's words."""
    tiles = getattr(picture, "tile", None)
    args = tiles[0].args if tiles else ""
    return str(args if isinstance(args, str) or not args else args[0])


def _page_notes(picture: Image.Image) -> tuple[str, ...]:
    page = picture.tell()
    if picture.format != "TIFF" or not page:
        return ()
    pages = getattr(picture, "n_frames", 1)
    return (f"page {page + 1} of {pages} is read: it is the largest",)


def _is_common(picture: Image.Image, orientation: int) -> bool:
    """Tell whether it is a JPEG as most are: in color, and upright."""
    return picture.format == "JPEG" and picture.mode == "RGB" and orientation == 1


def _pixels(picture: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """Copy the pixels of an RGB picture, strip by strip: Pillow would hold all of them twice."""
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, _STRIP):
        bottom = min(top + _STRIP, picture.height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, picture.width, bottom)))
    return pixels


def _opaque(picture: Image.Image) -> Image.Image:
    """Make a picture RGB and lay its transparency on white."""
    if "transparency" not in picture.info and picture.mode not in ("RGBA", "LA", "PA"):
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _in_8_bits(picture: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Scale gray values of more than 8 bits; Pillow would clip them."""
    if picture.mode.startswith("I;16") or picture.mode == "I":
        values = np.asarray(picture)
        white = _white_of(values)
        return _gray(values * np.float32(255) / np.float32(white)), _range_notes(white)
    if picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture))
        return _gray(_floats_in_bytes(values)), ()
    return picture, ()


def _deep_color(
    picture: Image.Image, file: str | Path | bytes | None
) -> tuple[Image.Image, tuple[str, ...]]:
    """Scale colors of 16 bits by the range they use; Pillow keeps the upper 8 bits of each."""
    highest = np.asarray(picture)[..., :3].max(initial=0)
    if highest >= 1 << 6 or file is None or picture.tell():  # more than 14 bits are used
        return picture, ()
    data = file if isinstance(file, bytes) else Path(file).read_bytes()
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.shape != np.asarray(picture).shape:
        return picture, ()
    white = _white_of(values[..., :3])
    pixels = np.asarray(picture).copy()
    pixels[..., :3] = values[..., 2::-1] * np.float32(255) / np.float32(white)
    return Image.fromarray(pixels), _range_notes(white)


def _white_of(values: np.ndarray) -> int:
    """Return the value that is white, by the range that the values use."""
    highest = int(values.max(initial=0))
    return next((white for white in WHITES if highest <= white), highest)


def _range_notes(white: int) -> tuple[str, ...]:
    return () if white == 65535 else (f"brightness is scaled from the range 0 to {white}",)


def _floats_in_bytes(values: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Bring brightness in [0, 1], or of any other range above 255, into [0, 255]."""
    most = values.max()
    return values if 1 < most <= 255 else values * (255 / (most if most > 255 else 1))


def _gray(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


_HEIC_EXTRA = f"HEIC needs the extra heif. {install_extra('heif')}"


def why_unreadable(error: Exception, data: bytes) -> str:
    """Say why a picture cannot be read.

    Args:
        error: Pillow's; its own words may name the memory address of the bytes.
        data: The bytes of the file, or the first of them.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and not learn_heif():
        return _HEIC_EXTRA
    return "it is not a picture" if isinstance(error, UnidentifiedImageError) else str(error)


def _unreadable(photo: Source, error: Exception) -> PhotoError:
    if isinstance(photo, bytes):
        return PhotoError(f"the photo cannot be read: {why_unreadable(error, photo)}")
    if isinstance(photo, Image.Image):
        return PhotoError(f"the photo cannot be read: {error}")
    if Path(photo).suffix.lower() in HEIF_SUFFIXES and not learn_heif():
        error = ValueError(_HEIC_EXTRA)
    if isinstance(error, FileNotFoundError):
        return PhotoError(f"the photo {photo} does not exist")
    why = download_mistake(Path(photo)) or error
    return PhotoError(f"the photo {photo} cannot be read: {why}")
