"""Pictures of a parsing for people."""

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, ImageDraw, ImageFont

from grapy_cli.labels import LabelSet, Node

LabelMap = UInt8[np.ndarray, "h w"]


def color_mask(label_map: LabelMap, label_set: LabelSet, level: int) -> Image.Image:
    """Paint each pixel in its part's colour, RGB."""
    colors = np.array(label_set.palette(level), np.uint8).reshape(-1, 3)
    return Image.fromarray(colors[label_map])


def overlay(
    photo: UInt8[np.ndarray, "h w 3"],
    label_map: LabelMap,
    label_set: LabelSet,
    level: int,
    alpha: float,
) -> Image.Image:
    """Lay the colours over the photo, edges drawn, with a legend of the parts that are there.

    The photo's own colours fade below those of the parts, so that these look as in the legend.
    Edges and legend grow with the photo; very small photos have no edges, which would cover them.

    Args:
        photo: RGB.
        label_map: Of the same size.
        label_set: Gives names and colours.
        level: Of the label map.
        alpha: How much of the colours is seen, in [0, 1]; the background keeps the photo's.
    """
    picture = Image.fromarray(photo)
    faded = Image.blend(picture, picture.convert("L").convert("RGB"), alpha)
    tinted = Image.blend(faded, color_mask(label_map, label_set, level), alpha)
    picture.paste(tinted, mask=Image.fromarray(label_map > 0))
    picture.paste("white", mask=Image.fromarray(_edges(label_map)))
    present = np.bincount(label_map.ravel(), minlength=256)
    nodes = [node for index, node in enumerate(label_set.nodes(level)) if index and present[index]]
    return _with_legend(picture, nodes)


def _edges(label_map: LabelMap) -> Bool[np.ndarray, "h w"]:
    """Pixels whose right or lower neighbour shows something else, as thick as suits the size."""
    edges = np.zeros(label_map.shape, np.uint8)
    edges[:, :-1] |= label_map[:, :-1] != label_map[:, 1:]
    edges[:-1] |= label_map[:-1] != label_map[1:]
    thickness = round(min(label_map.shape) / 500)
    if thickness == 0:
        return np.zeros(label_map.shape, bool)
    return np.asarray(cv2.dilate(edges, np.ones((thickness, thickness), np.uint8)), bool)


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
