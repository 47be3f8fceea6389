"""Pictures of a parsing for people."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Int32, UInt8
from PIL import Image, ImageDraw, ImageFont

from grapy_cli.html.charts import LEAST_SHOWN
from grapy_cli.image_io.label_maps import box_of, count_ids
from grapy_cli.labels import IGNORE, Node

LabelMap = UInt8[np.ndarray, "h w"]
Photo = UInt8[np.ndarray, "h w 3"]


def color_mask(label_map: LabelMap, nodes: Sequence[Node]) -> Image.Image:
    """Paint each pixel in its part's color, RGB; ids without a name are gray, ignored is white."""
    return Image.fromarray(_painted(label_map, nodes))


def overlay(
    photo: Photo, label_map: LabelMap, nodes: Sequence[Node], alpha: float, *, legend: bool = True
) -> Image.Image:
    """Lay the parts' colors over the photo and draw their edges, with a legend below.

    The photo's own colors fade below those of the parts, so that these look as in the legend.
    Edges and legend grow with the photo; very small photos have no edges, which would cover them.

    Args:
        alpha: How much of the colors is seen, in [0, 1]; the background keeps the photo's.
        legend: Whether to add the names of the parts that cover at least 0.1% of the photo.
    """
    pixels = photo.copy()
    edges = _edges(label_map)
    for top in range(0, len(pixels), _STRIP):
        rows = slice(top, top + _STRIP)
        _tint(pixels[rows], label_map[rows], nodes, alpha)
        cv2.copyTo(np.full_like(pixels[rows], 255), edges[rows], pixels[rows])
    picture = Image.fromarray(pixels)
    if not legend:
        return picture
    shown = count_ids(label_map) >= max(1, LEAST_SHOWN * label_map.size)
    return _with_legend(picture, [node for i, node in enumerate(nodes) if i and shown[i]])


def contours(photo: Photo, label_map: LabelMap, nodes: Sequence[Node]) -> Image.Image:
    """Draw the outline of each part in its color, anti-aliased, over the photo as it is.

    A white line below each separates it from clothes of the same color; lines grow with the photo.
    """
    picture = photo.copy()
    width = max(1, round(min(label_map.shape) / 400))
    lines = {
        part: _outlines(label_map == part, width)
        for part in np.unique(label_map[label_map > 0]).tolist()
    }
    for more, colors in ((2, {}), (0, {part: nodes[part].color for part in lines})):
        for part, outlines in lines.items():
            color = colors.get(part, (255, 255, 255))
            cv2.polylines(picture, outlines, True, color, width + more, cv2.LINE_AA, _SHIFT)
    return Image.fromarray(picture)


def _painted(label_map: LabelMap, nodes: Sequence[Node]) -> Photo:
    colors = np.full((3, 256), 127, np.uint8)
    colors[:, IGNORE] = 255
    colors[:, : len(nodes)] = np.transpose([node.color for node in nodes])
    return np.asarray(cv2.merge([cv2.LUT(label_map, channel) for channel in colors]), np.uint8)


def _tint(pixels: Photo, label_map: LabelMap, nodes: Sequence[Node], alpha: float) -> None:
    """Lay the parts' colors over pixels, in place."""
    gray = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    faded = cv2.addWeighted(pixels, 1 - alpha, gray, alpha, 0)
    tinted = cv2.addWeighted(faded, 1 - alpha, _painted(label_map, nodes), alpha, 0)
    cv2.copyTo(tinted, label_map, pixels)  # where it is not 0


def cutout(photo: Photo, region: Bool[np.ndarray, "h w"]) -> Image.Image:
    """Crop the pixels of a region out of the photo, RGBA; the others are transparent."""
    crop = box_of(region).crop
    inside = region[crop]
    return Image.fromarray(np.dstack([photo[crop] * inside[..., None], inside * np.uint8(255)]))


_SHIFT = 3  # fractional bits of OpenCV's coordinates
_STRIP = 256  # rows


def _outlines(region: Bool[np.ndarray, "h w"], window: int) -> list[Int32[np.ndarray, "_n 1 2"]]:
    """Return the borders of a region and of its holes, with pixel steps smoothed."""
    found, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return [_smooth(outline, 2 * window + 3) for outline in found]


def _smooth(outline: Int32[np.ndarray, "n 1 2"], window: int) -> Int32[np.ndarray, "n 1 2"]:
    """Take the mean of each point and its neighbors along the border, in fixed-point numbers."""
    if len(outline) > 2 * window:
        half = window // 2
        around = np.concatenate([outline[-half:], outline, outline[:half]]).astype(np.float64)
        sums = np.cumsum(np.concatenate([np.zeros((1, 1, 2)), around]), axis=0)
        outline = (sums[window:] - sums[:-window]) / window
    return np.asarray((outline * (1 << _SHIFT)).round(), np.int32)


def _edges(label_map: LabelMap) -> UInt8[np.ndarray, "h w"]:
    """Mark pixels whose right or lower neighbor shows another part, thicker on larger photos."""
    edges = np.zeros(label_map.shape, np.uint8)
    edges[:, :-1] |= label_map[:, :-1] != label_map[:, 1:]
    edges[:-1] |= label_map[:-1] != label_map[1:]
    thickness = round(min(label_map.shape) / 500)
    if thickness == 0:
        return np.zeros(label_map.shape, np.uint8)
    return np.asarray(cv2.dilate(edges, np.ones((thickness, thickness), np.uint8)), np.uint8)


def _with_legend(picture: Image.Image, nodes: list[Node]) -> Image.Image:
    """Add a strip below with a swatch and a name for each part, in as many rows as it takes.

    A picture that is narrower than a name gets white beside it.
    """
    if not nodes:
        return picture
    size = max(11, min(picture.width // 36, picture.height // 24))
    font = ImageFont.load_default(size)
    widths = [int(font.getlength(node.name)) + 3 * size for node in nodes]
    total = max(picture.width, *widths)
    rows: list[list[tuple[Node, int]]] = [[]]
    used = 0
    for node, width in zip(nodes, widths, strict=True):
        if used + width > total:
            rows.append([])
            used = 0
        rows[-1].append((node, used))
        used += width
    line = round(size * 1.8)
    canvas = Image.new("RGB", (total, picture.height + line * len(rows)), "white")
    canvas.paste(picture)
    draw = ImageDraw.Draw(canvas)
    for index, row in enumerate(rows):
        top = picture.height + index * line + (line - size) // 2
        for node, left in row:
            box = (left + size // 2, top, left + size // 2 + size, top + size)
            draw.rectangle(box, fill=node.color, outline="black", width=max(1, size // 16))
            draw.text((left + 2 * size, top + size // 2), node.name, "black", font, anchor="lm")
    return canvas
