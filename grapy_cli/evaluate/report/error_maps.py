"""Draw where a parsing is wrong, small enough to be part of a page."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from grapy_cli.evaluate.records import Pictures
from grapy_cli.html.pictures import jpeg_url, layer_url
from grapy_cli.html.svg import Color
from grapy_cli.image_io.label_maps import shrink, shrunk_size
from grapy_cli.labels import IGNORE, LabelSet

SIDE = 400
"""Longest side of a photo and its layers, in pixels."""
CUTOUT = 112
"""Longest side of the picture of one part, in pixels."""
MARGIN = 0.35
"""Space around a part, as a share of its longest side."""
GRAY = (200, 200, 200)
"""Stands for a photo that is missing."""
PART_ALPHA = 225
UNSCORED_INK = ((255, 255, 255), 255)

LabelMap = UInt8[np.ndarray, "h w"]


class Kind(NamedTuple):
    """One way to be right or wrong: its name, its color, and its opacity from 0 to 255."""

    name: str
    color: Color
    alpha: int


# fmt: off
KINDS = (
    Kind("right",                                 (255, 255, 255), 150),
    Kind("another part",                          (213,  94,   0), 235),
    Kind("left and right exchanged",              (240, 228,  66), 235),
    Kind("missed: parsed as background",          (  0, 114, 178), 235),
    Kind("invented: background parsed as a part", (204, 121, 167), 235),
    Kind("not scored",                            (110, 110, 110), 200),
)
# fmt: on
"""Values of an error map are indices of this table. Its colors suit color-blind people."""
RIGHT, CONFUSED, EXCHANGED, MISSED, INVENTED, UNSCORED = range(len(KINDS))
FOUND = (0, 158, 115)
"""Right pixels in the picture of one part."""


class Layers(NamedTuple):
    """Names and data URLs of pictures of one size that lie over each other."""

    base: tuple[str, str]
    """The photo, or a gray surface without a name."""
    over: list[tuple[str, str]]


def error_map(truth: LabelMap, label_map: LabelMap, mirror_ids: Sequence[int]) -> LabelMap:
    """Classify each pixel by how it is wrong; values are indices of `KINDS`.

    Args:
        truth: Parts; 255 is ignored.
        label_map: Of the same size.
        mirror_ids: The partner of each part, as `LabelSet.mirror_ids`.
    """
    partner = np.arange(256, dtype=np.uint8)
    partner[: len(mirror_ids)] = mirror_ids
    errors = np.full(truth.shape, CONFUSED, np.uint8)
    errors[partner[truth] == label_map] = EXCHANGED
    errors[label_map == 0] = MISSED
    errors[truth == 0] = INVENTED
    errors[truth == label_map] = RIGHT
    errors[truth == IGNORE] = UNSCORED
    return errors


def layers_of(seen: Pictures, labels: LabelSet) -> Layers:
    """Make the layers of a photo: truth, parsing, and error map."""
    truth, label_map = shrink(seen.truth, SIDE), shrink(seen.label_map, SIDE)
    size = shrunk_size(seen.truth.shape, SIDE)
    errors = error_map(truth, label_map, labels.mirror_ids)
    parts = [(part.color, PART_ALPHA if index else 0) for index, part in enumerate(labels.parts)]
    parts.append(UNSCORED_INK)
    over = [
        ("truth", layer_url(np.minimum(truth, labels.num_parts), parts)),
        ("parsing", layer_url(np.minimum(label_map, labels.num_parts), parts)),
        ("errors", layer_url(errors, [(kind.color, kind.alpha) for kind in KINDS])),
    ]
    if seen.photo is None:
        return Layers(("", jpeg_url(Image.new("RGB", size, GRAY), SIDE)), over)
    photo = Image.fromarray(seen.photo).resize(size, Image.Resampling.BOX)
    return Layers(("photo", jpeg_url(photo, SIDE)), over)


def cutout(seen: Pictures, part: int) -> str:
    """Draw one part and what is around it, as a data URL: right, missed and invented pixels."""
    scored = seen.truth != IGNORE
    true, parsed = (seen.truth == part) & scored, (seen.label_map == part) & scored
    window = _window(true | parsed)
    true, parsed = true[window], parsed[window]
    photo = np.full((*true.shape, 3), GRAY, np.uint8) if seen.photo is None else seen.photo[window]
    tinted = photo.copy()
    tinted[true & parsed] = FOUND
    tinted[true & ~parsed] = KINDS[MISSED].color
    tinted[parsed & ~true] = KINDS[INVENTED].color
    gray = Image.fromarray(photo).convert("L").convert("RGB")
    mixed = Image.blend(gray, Image.fromarray(tinted), 0.65)
    scale = CUTOUT / max(mixed.size)
    width, height = (max(1, round(side * scale)) for side in mixed.size)
    return jpeg_url(mixed.resize((width, height)), CUTOUT, quality=70)


def _window(where: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    """Return rows and columns around the true pixels, with a margin; all rows if there are none."""
    if not where.any():
        return slice(None), slice(None)
    spans = [np.flatnonzero(where.any(axis)) for axis in (1, 0)]
    margin = 24 + int(MARGIN * max(span[-1] - span[0] for span in spans))
    down, right = (slice(max(0, int(span[0]) - margin), int(span[-1]) + margin) for span in spans)
    return down, right
