"""Pictures of where a parsing is wrong, small enough to stand in a page."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from grapy_cli.evaluate.records import Pictures
from grapy_cli.html.pictures import jpeg_address, see_through
from grapy_cli.labels import IGNORE, LabelSet

SIDE = 400  # pixels of the longest side of a photo and its layers
CUTOUT = 112  # likewise of what is cut out around a part
MARGIN = 0.35  # around a part, of its longest side
GREY = (200, 200, 200)  # where there is no photo
PART_ALPHA = 225
UNSCORED_INK = ((255, 255, 255), 255)

Color = tuple[int, int, int]
LabelMap = UInt8[np.ndarray, "h w"]


class Kind(NamedTuple):
    """One way to be right or wrong: its name, its colour, and how much it hides of the photo."""

    name: str
    color: Color
    alpha: int


# fmt: off
KINDS = (
    Kind("right",                        (255, 255, 255), 150),
    Kind("one part for another",         (213,  94,   0), 235),
    Kind("left and right exchanged",     (240, 228,  66), 235),
    Kind("missed: taken for background", (  0, 114, 178), 235),
    Kind("invented: is background",      (204, 121, 167), 235),
    Kind("not scored",                   (110, 110, 110), 200),
)
# fmt: on
"""The index is what an error map holds. The colours are told apart by colour-blind people."""
RIGHT, CONFUSED, EXCHANGED, MISSED, INVENTED, UNSCORED = range(len(KINDS))
FOUND = (0, 158, 115)  # a part that is where it should be, in the pictures of one part


class Layers(NamedTuple):
    """Names and addresses of pictures of one size that lie over each other."""

    base: tuple[str, str]
    """The photo; without one a grey surface that has no name."""
    over: list[tuple[str, str]]


def error_map(truth: LabelMap, label_map: LabelMap, mirror_ids: Sequence[int]) -> LabelMap:
    """Sort pixels by how they are wrong; values are the indices of `KINDS`.

    Args:
        truth: Parts; 255 is not scored.
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
    """Make the layers of a photo: the truth, the parsing, and how this is wrong."""
    height, width = seen.truth.shape
    scale = min(1, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    truth, label_map = (_resized(it, size) for it in (seen.truth, seen.label_map))
    errors = error_map(truth, label_map, labels.mirror_ids)
    parts = [(part.color, PART_ALPHA if index else 0) for index, part in enumerate(labels.parts)]
    parts.append(UNSCORED_INK)
    over = [
        ("truth", see_through(np.minimum(truth, labels.num_parts), parts)),
        ("parsing", see_through(np.minimum(label_map, labels.num_parts), parts)),
        ("errors", see_through(errors, [(kind.color, kind.alpha) for kind in KINDS])),
    ]
    if seen.photo is None:
        return Layers(("", jpeg_address(Image.new("RGB", size, GREY), SIDE)), over)
    photo = Image.fromarray(seen.photo).resize(size, Image.Resampling.BOX)
    return Layers(("photo", jpeg_address(photo, SIDE)), over)


def cutout(seen: Pictures, part: int) -> str:
    """The address of what is around one part: found, missed and invented pixels in colours."""
    scored = seen.truth != IGNORE
    true, parsed = (seen.truth == part) & scored, (seen.label_map == part) & scored
    window = _window(true | parsed)
    true, parsed = true[window], parsed[window]
    photo = np.full((*true.shape, 3), GREY, np.uint8) if seen.photo is None else seen.photo[window]
    tinted = photo.copy()
    tinted[true & parsed] = FOUND
    tinted[true & ~parsed] = KINDS[MISSED].color
    tinted[parsed & ~true] = KINDS[INVENTED].color
    grey = Image.fromarray(photo).convert("L").convert("RGB")
    mixed = Image.blend(grey, Image.fromarray(tinted), 0.65)
    scale = CUTOUT / max(mixed.size)
    width, height = (max(1, round(side * scale)) for side in mixed.size)
    return jpeg_address(mixed.resize((width, height)), CUTOUT, quality=70)


def _window(where: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    """Rows and columns around what is true, with a margin; everything where nothing is."""
    if not where.any():
        return slice(None), slice(None)
    spans = [np.flatnonzero(where.any(axis)) for axis in (1, 0)]
    margin = 24 + int(MARGIN * max(span[-1] - span[0] for span in spans))
    down, right = (slice(max(0, int(span[0]) - margin), int(span[-1]) + margin) for span in spans)
    return down, right


def _resized(label_map: LabelMap, size: tuple[int, int]) -> UInt8[np.ndarray, "u v"]:
    return np.asarray(cv2.resize(label_map, size, interpolation=cv2.INTER_NEAREST), np.uint8)
