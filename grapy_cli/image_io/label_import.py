"""Read label maps that other tools wrote, and say which choices were made on the way."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Int, Int16, UInt8
from PIL import Image

from grapy_cli.errors import DatasetError
from grapy_cli.image_io.formats import LABEL_ADVICE, LABEL_FORMATS
from grapy_cli.image_io.photos import UNREADABLE, raw_mode_of, why_unreadable
from grapy_cli.labels import IGNORE
from grapy_cli.labels.label_set import Color

COLOR_TOLERANCE = 4
"""Gray levels per channel that a color may be off; the PASCAL pictures are off by two."""
_MODES = ("1", "L", "P", "I", "F", "LA", "PA", "RGB", "RGBA")
_LOSSY = ("jpeg", "tiff_jpeg", "webp")
"""Compressions inside TIFF that change ids."""
_STEPS = (1, 257, 256)
"""Factors by which tools spread 8-bit values over 16 bits; 1 where they do not."""

Samples = Int[np.ndarray, "h w ..."]


class LabelMapError(DatasetError):
    """A label map that cannot be read, with the name of its problem."""

    def __init__(self, problem: str, reason: str) -> None:
        super().__init__(f"the label map {reason}", hint=LABEL_ADVICE)
        self.problem = problem


class Remark(NamedTuple):
    """A choice that was made while a label map was read."""

    problem: str
    """Its name in `problems.csv`."""
    reason: str


class ImportedLabels(NamedTuple):
    """A label map, and the choices that were made while it was read."""

    ids: UInt8[np.ndarray, "h w"]
    remarks: tuple[Remark, ...] = ()


def import_labels(data: bytes, colors: Mapping[Color, int], *, num_parts: int) -> ImportedLabels:
    """Read the part ids of a picture: gray values, palette indices, or colors by a table.

    Gray values are the file's own samples: 1 in a file of 2 bits is 1. Files of 16 or 32 bits are
    read where no value is lost. An indexed picture is read by its colors where its palette holds
    the colors of the table in another order.

    Args:
        colors: Part ids by color; empty where colors mean nothing.

    Raises:
        LabelMapError: If the file cannot be read, or its values name no parts.
    """
    samples, mode, palette = _decode(data)
    if mode in ("P", "PA"):
        indices, remarks = _without_alpha(samples, {})
        imported = _by_palette(indices, palette, colors)
    else:
        opaque, remarks = _without_alpha(samples, colors)
        imported = _by_samples(opaque, mode, colors, num_parts)
    return ImportedLabels(imported.ids, (*remarks, *imported.remarks))


def _decode(data: bytes) -> tuple[Samples, str, np.ndarray]:
    """Return the samples as they stand in the file, Pillow's mode, and the palette's colors."""
    try:
        picture = Image.open(io.BytesIO(data), formats=LABEL_FORMATS)
    except UNREADABLE as error:
        raise LabelMapError(
            "unreadable-label", f"cannot be read: {why_unreadable(error, data)}"
        ) from error
    if picture.info.get("compression") in _LOSSY:
        raise LabelMapError("unreadable-label", "is a TIFF that is compressed as JPEG")
    if picture.mode not in _MODES and not picture.mode.startswith("I;16"):
        raise LabelMapError("colors", f"holds no part ids: its mode is {picture.mode}")
    raw_mode = raw_mode_of(picture)
    try:
        with picture:
            picture.load()
            palette = np.reshape(picture.getpalette() or [], (-1, 3)).astype(np.uint8)
            samples = np.asarray(picture)
    except UNREADABLE as error:
        raise LabelMapError(
            "truncated-label", f"cannot be read: {why_unreadable(error, data)}"
        ) from error
    if ";16" in raw_mode and samples.ndim == 3:  # Pillow keeps the upper 8 of 16 bits
        samples = _decode_deep_color(data)
    if raw_mode.startswith(("L;2", "L;4")):  # Pillow spreads them over 0 to 255
        samples = samples // (255 // (2 ** int(raw_mode[2]) - 1))
    return _whole_numbers(samples), picture.mode, palette


def _decode_deep_color(data: bytes) -> np.ndarray:
    deep = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.ndim != 3:
        raise LabelMapError("unreadable-label", "cannot be read: it has 16 bits for each color")
    return np.asarray(deep)[..., [2, 1, 0, 3][: deep.shape[2]]]


def _whole_numbers(samples: np.ndarray) -> Samples:
    if samples.dtype.kind != "f":
        return samples.astype(np.int32)
    if not np.array_equal(samples, np.rint(samples)):
        raise LabelMapError("foreign-ids", "holds fractions, not ids")
    return samples.clip(-(2**31), 2**31 - 1).astype(np.int32)


def _without_alpha(
    samples: Samples, colors: Mapping[Color, int]
) -> tuple[Samples, tuple[Remark, ...]]:
    """Drop the alpha channel; refuse a label map that would lose labels."""
    if samples.ndim == 2 or samples.shape[2] == 3:
        return samples, ()
    values, alpha = samples[..., :-1], samples[..., -1]
    if values.shape[2] == 1:
        values = values[..., 0]
    levels = np.unique(alpha)
    if levels.size == 1:
        return values, ()
    if levels[0] or levels.size > 2:
        raise LabelMapError("transparent", "is half transparent in places")
    clear = alpha == 0
    hidden = {tuple(np.atleast_1d(row).tolist()) for row in np.unique(values[clear], axis=0)}
    if any(any(color) if len(color) == 1 else colors.get(color, 0) for color in hidden):
        raise LabelMapError("transparent", "is transparent where it names parts")
    background = next((color for color, part in colors.items() if part == 0), (0, 0, 0))
    values = values.copy()
    values[clear] = background if values.ndim == 3 else 0
    remark = Remark("clear-background", "its transparent pixels count as background")
    return values, (remark,)


def _by_samples(
    samples: Samples, mode: str, colors: Mapping[Color, int], num_parts: int
) -> ImportedLabels:
    values = _in_bytes(samples)
    if values.ndim == 3:
        return _by_color(values, colors, num_parts)
    if mode == "1" and num_parts > 2:
        reason = "the label map has 1 bit: it shows only the parts 0 and 1"
        return ImportedLabels(values, (Remark("one-bit", reason),))
    return ImportedLabels(values)


def _in_bytes(samples: Samples) -> UInt8[np.ndarray, "..."]:
    """Convert 16 or 32 bits to 8 without loss; the type's last value becomes ignore."""
    ends = (samples == 65535) | (samples == -1)
    inner = np.where(ends, 0, samples)
    for step in _STEPS:
        is_within = inner.min(initial=0) >= 0 and inner.max(initial=0) <= IGNORE * step
        if is_within and not (inner % step).any():
            return np.where(ends, IGNORE, inner // step).astype(np.uint8)
    lowest, highest = samples.min(), samples.max()
    raise LabelMapError("foreign-ids", f"holds values from {lowest} to {highest}; ids end at 255")


def _by_palette(
    indices: Samples, palette: UInt8[np.ndarray, "n 3"], colors: Mapping[Color, int]
) -> ImportedLabels:
    """Read an indexed picture by position, or by color if the palette has another order."""
    ids = indices.astype(np.uint8)
    named = np.array([colors.get((r, g, b), -1) for r, g, b in palette.tolist()], int)
    used = np.flatnonzero(np.bincount(ids.ravel(), minlength=len(named))[: len(named)])
    odd = [one for one in used.tolist() if named[one] not in (-1, one) and one != IGNORE]
    if not odd or not palette[used].any():  # an empty palette is black
        return ImportedLabels(ids, _foreign(used, palette, named) if colors else ())
    is_distinct = len(set(named[used].tolist())) == used.size
    shown = f"{odd[0]} is drawn in the color of part {named[odd[0]]}"
    if (
        is_distinct
        and (named[used] >= 0).all()
        and _is_table(palette, named, int(used.max()), colors)
    ):
        reason = f"the palette has another order ({shown}): the label map is read by its colors"
        lookup = np.zeros(256, np.uint8)
        lookup[: len(named)] = named.clip(0)
        return ImportedLabels(lookup[ids], (Remark("palette-order", reason),))
    reason = f"the palette contradicts the label set ({shown}): ids are read by position"
    return ImportedLabels(ids, (Remark("palette-contradicts", reason),))


def _is_table(
    palette: UInt8[np.ndarray, "n 3"],
    named: Int[np.ndarray, " n"],
    last: int,
    colors: Mapping[Color, int],
) -> bool:
    """Tell whether a palette holds the colors of a label set, and not those of another tool."""
    if set(named.tolist()) >= {part for part in colors.values() if part != IGNORE}:
        return True
    rest = palette[last + 1 :]
    unnamed = rest[named[last + 1 :] < 0]
    is_filler = (unnamed == unnamed[:, :1]).all()
    return bool((named[: last + 1] >= 0).all() and is_filler)


def _foreign(
    used: Int[np.ndarray, " u"], palette: UInt8[np.ndarray, "n 3"], named: Int[np.ndarray, " n"]
) -> tuple[Remark, ...]:
    """Return a remark if a palette has other colors than the label set, unless they are gray."""
    parts = used[(used > 0) & (used < IGNORE)]
    shown = palette[parts]
    if not parts.size or (named[parts] >= 0).any() or (shown == shown[:, :1]).all():
        return ()
    reason = "the palette has none of the label set's colors: ids are read by position"
    return (Remark("palette-foreign", reason),)


def _by_color(
    pixels: UInt8[np.ndarray, "h w 3"], colors: Mapping[Color, int], num_parts: int
) -> ImportedLabels:
    red, green, blue = np.moveaxis(pixels.astype(np.int32), -1, 0)
    shown, inverse = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
    names = [(int(one) >> 16, int(one) >> 8 & 255, int(one) & 255) for one in shown[:4096]]
    if len(names) == shown.size and all(name in colors for name in names):
        ids = np.array([colors[name] for name in names], np.uint8)[inverse]
        return ImportedLabels(ids.reshape(pixels.shape[:2]))
    ids_in_channels = _in_one_channel(pixels, num_parts)
    if ids_in_channels is not None:
        reason = "the label map holds ids as colors: they are read as ids"
        return ImportedLabels(ids_in_channels, (Remark("ids-as-colors", reason),))
    if not colors:
        raise LabelMapError("colors", "has colors where ids belong")
    return ImportedLabels(_by_near_color(pixels, colors))


def _in_one_channel(
    pixels: UInt8[np.ndarray, "h w 3"], num_parts: int
) -> UInt8[np.ndarray, "h w"] | None:
    """Return ids that are stored in three equal channels, or in one beside two empty ones."""
    values = pixels.max(axis=2)
    is_equal = (pixels == values[..., None]).all()
    is_alone = (pixels > 0).any(axis=(0, 1)).sum() == 1
    ids = np.unique(values)
    parts = ids[ids != IGNORE]
    # A single value can be a slightly wrong color. One id too many gets its own hint later.
    is_ids = ids.size > 1 and parts.size and parts.max() <= num_parts
    return np.ascontiguousarray(values) if (is_equal or is_alone) and is_ids else None


def _by_near_color(
    pixels: UInt8[np.ndarray, "h w 3"], colors: Mapping[Color, int]
) -> UInt8[np.ndarray, "h w"]:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    ids = np.asarray(_color_table(tuple(colors.items()))[red, green, blue])
    strange = np.asarray(ids < 0)
    if not strange.any() and not ids.any() and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1:
        strange = np.asarray(pixels.any(axis=2))  # several near-black colors may be ids
    if not strange.any():
        return np.asarray(ids, np.uint8)
    some = np.unique(pixels[strange], axis=0)[:4].tolist()
    count = np.count_nonzero(strange)
    raise LabelMapError("colors", f"has colors that name no part: {some}, {count} pixels")


@lru_cache(maxsize=4)
def _color_table(colors: tuple[tuple[Color, int], ...]) -> Int16[np.ndarray, "256 256 256"]:
    """Return the id of every RGB color, -1 for unknown ones; 32 MiB, made once."""
    table = np.full((256, 256, 256), -1, np.int16)
    for color, part in colors:
        near = tuple(slice(max(c - COLOR_TOLERANCE, 0), c + COLOR_TOLERANCE + 1) for c in color)
        table[near] = part
    for color, part in colors:  # of two near colors each keeps at least its own
        table[color] = part
    return table
