"""Pictures of a parsing for people."""

import numpy as np
from jaxtyping import UInt8
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

    Args:
        photo: RGB.
        label_map: Of the same size.
        label_set: Gives names and colours.
        level: Of the label map.
        alpha: How much of the colours is seen, in [0, 1]; the background keeps the photo's.
    """
    colors = np.asarray(color_mask(label_map, label_set, level), np.float32)
    strength = np.where(label_map > 0, alpha, 0.0)[:, :, None].astype(np.float32)
    mixed = photo * (1 - strength) + colors * strength
    mixed[_edges(label_map)] = 255
    picture = Image.fromarray(mixed.round().astype(np.uint8))
    present = np.bincount(label_map.ravel(), minlength=256)
    nodes = [node for index, node in enumerate(label_set.nodes(level)) if index and present[index]]
    return _with_legend(picture, nodes)


def _edges(label_map: LabelMap) -> np.ndarray:
    """Pixels whose right or lower neighbour shows something else."""
    edges = np.zeros(label_map.shape, bool)
    edges[:, :-1] |= label_map[:, :-1] != label_map[:, 1:]
    edges[:-1] |= label_map[:-1] != label_map[1:]
    return edges


def _with_legend(picture: Image.Image, nodes: list[Node]) -> Image.Image:
    """Add a strip below with a swatch and a name for each part, in as many rows as it takes."""
    if not nodes:
        return picture
    size = max(11, min(22, picture.width // 30))
    font = ImageFont.load_default(size)
    rows: list[list[tuple[Node, int]]] = [[]]
    used = 0
    for node in nodes:
        width = int(font.getlength(node.name)) + 3 * size
        if used + width > picture.width and rows[-1]:
            rows.append([])
            used = 0
        rows[-1].append((node, used))
        used += width
    line = round(size * 1.8)
    canvas = Image.new("RGB", (picture.width, picture.height + line * len(rows)), "white")
    canvas.paste(picture)
    draw = ImageDraw.Draw(canvas)
    for index, row in enumerate(rows):
        top = picture.height + index * line + (line - size) // 2
        for node, left in row:
            box = (left + size // 2, top, left + size // 2 + size, top + size)
            draw.rectangle(box, fill=node.color, outline="black")
            draw.text((left + 2 * size, top + size // 2), node.name, "black", font, anchor="lm")
    return canvas
