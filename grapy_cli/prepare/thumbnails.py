"""Small pictures of samples for the report, as data URLs."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.html.charts import LEAST_SHOWN
from grapy_cli.html.pictures import data_url, jpeg_url
from grapy_cli.image_io.archive import Place
from grapy_cli.image_io.label_maps import count_ids, encode_label_map, shrink
from grapy_cli.image_io.photos import UNREADABLE, read_shrunk
from grapy_cli.labels import LabelSet
from grapy_cli.labels.label_set import Color
from grapy_cli.prepare.check import read_label
from grapy_cli.prepare.sources import Source

SIDE = 260  # pixels of the longest side


def photo_thumbnail(place: Place) -> str:
    """Return a photo as a data URL; empty if it cannot be read."""
    try:
        small = read_shrunk(place.read_bytes(), SIDE).pixels
    except (OSError, PhotoError):
        return ""
    return jpeg_url(Image.fromarray(small), SIDE)


def label_thumbnail(
    place: Place | None, source: Source
) -> tuple[str, list[tuple[str, Color, str]]]:
    """Return a label map as a data URL, and its parts with their colors and shares."""
    labels = source.label_set
    if place is None:
        return "", []
    try:
        label_map = read_label(place.read_bytes(), source.colors, labels, place.suffix).ids
    except UNREADABLE:  # `BadSample` is one of them
        return "", []
    png = encode_label_map(shrink(label_map, SIDE), labels.palette())
    return data_url("png", png), _parts_in(label_map, labels)


def _parts_in(
    label_map: UInt8[np.ndarray, "h w"], labels: LabelSet
) -> list[tuple[str, Color, str]]:
    """Return the parts of a label map, largest first; other ids by their number."""
    counts = count_ids(label_map)
    palette = labels.palette()
    rows = []
    for part in np.argsort(-counts, kind="stable"):
        is_known = part < labels.num_parts
        if part == 0 or counts[part] <= (label_map.size * LEAST_SHOWN if is_known else 0):
            continue
        name = labels.names[part] if is_known else f"id {part}"
        red, green, blue = palette[3 * part : 3 * part + 3]
        share = f"{counts[part] / label_map.size:.1%}"
        rows.append(("ignore" if part == 255 else name, (red, green, blue), share))
    return rows
