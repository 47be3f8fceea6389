"""Which files count as photos and which as label maps: one list of each for every command."""

from collections.abc import Mapping
from functools import cache

from PIL import Image

USUAL = ("JPEG", "PNG")
"""Formats that Pillow reads at once; for all others it loads 60 modules, which takes 20 ms."""
_NO_PHOTOS = frozenset({"EPS", "WMF", "PDF", "MPEG", "HDF5", "GRIB", "BUFR"})
"""Formats that Pillow opens but reads through other programs, or cannot read."""
HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
"""What phones write and Pillow reads only with the extra `heif`."""
_MORE_SUFFIXES = frozenset({".mpo"})
"""Suffixes that Pillow does not list, though it reads the files."""

LABEL_FORMATS = ("PNG", "TIFF", "BMP")
"""Formats of label maps: they keep every value as it was drawn."""
LABEL_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp"})
NO_LABELS: Mapping[str, str] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jfif"), "JPEG changes ids"),
    **dict.fromkeys((".webp", ".avif", *HEIF_SUFFIXES), "the format changes ids"),
    ".gif": "GIF renumbers ids",
    **dict.fromkeys((".npy", ".npz", ".mat"), "arrays are not read"),
    **dict.fromkeys((".json", ".xml", ".txt"), "polygons are not read"),
}
"""Why files with these suffixes do not count as label maps."""
LABEL_ADVICE = "Save ids as an 8-bit gray or indexed PNG."


@cache
def photo_formats() -> tuple[str, ...]:
    """Return the names of the formats of photos, the usual ones first.

    Pillow asks one after the other, and some of them only refuse after they tried.
    """
    Image.init()
    others = (name for name in Image.ID if name not in _NO_PHOTOS.union(USUAL))
    return (*USUAL, *others, *(("HEIF",) if learn_heif() else ()))


@cache
def photo_suffixes() -> frozenset[str]:
    """Return the suffixes of photos, lower case, dot included."""
    Image.init()
    read = {suffix for suffix, kind in Image.EXTENSION.items() if kind in Image.OPEN}
    not_read = {suffix for suffix, kind in Image.EXTENSION.items() if kind in _NO_PHOTOS}
    return frozenset((read | HEIF_SUFFIXES | _MORE_SUFFIXES) - not_read)


@cache
def learn_heif() -> bool:
    """Teach Pillow the HEIC files of phones; false without the extra `heif`."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True
