"""The page's charts as PNG, for slides and papers."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64
from PIL import Image, ImageFont

from grapy_cli.evaluate.records import Result
from grapy_cli.html.charts import DEEP, PRINTED
from grapy_cli.html.drawing import INK, PAPER, SOFT, Drawing, Point
from grapy_cli.html.elements import Color
from grapy_cli.labels import Node
from grapy_cli.metrics.calibration import Bin

CHARTS = ("parts", "confusion", "calibration")

RAIL = (237, 239, 242)
HUES = ((47, 107, 196), (230, 159, 0), (0, 158, 115))  # IoU, accuracy, F1
DEEPEST, GAP = HUES[0], (224, 122, 116)
DOTS = 2


def figures_of(result: Result) -> Iterator[tuple[str, Image.Image]]:
    """Name and picture of each of the `CHARTS` that a whole result has."""
    parts, confusion, calibration = CHARTS
    yield parts, draw_parts(result)
    yield confusion, draw_confusion(result.nodes, result.counts)
    if result.calibration is not None:
        yield calibration, draw_calibration(result.calibration.bins)


def draw_parts(result: Result) -> Image.Image:
    """Three bars for each part, with their numbers."""
    names = _width([node.name for node in result.nodes])
    row, length = 44, 360
    drawing = Drawing(names + length + 90, 44 + row * len(result.nodes), dots=DOTS)
    for index, (title, hue) in enumerate(zip(("IoU", "accuracy", "F1"), HUES, strict=True)):
        drawing.box(names + 100 * index, 15, 11, 11, hue)
        drawing.text((names + 16 + 100 * index, 20), title)
    for down, node in enumerate(result.nodes):
        top, part = 38 + row * down, result.scores.parts[node.name]
        _swatch(drawing, (12, top + 12), node.color)
        drawing.text((30, top + 18), node.name)
        for index, share in enumerate((part.iou, part.accuracy, part.f1)):
            at = top + 12 * index
            drawing.box(names, at, length, 10, RAIL)
            drawing.box(names, at, length * (share or 0), 10, HUES[index])
            words = "-" if share is None else f"{100 * share:.1f}"
            drawing.text((names + length + 8, at + 5), words, size=10, color=SOFT)
    return drawing.finished()


def draw_confusion(nodes: Sequence[Node], counts: Int64[np.ndarray, "n n"]) -> Image.Image:
    """The truth in rows, each divided by its sum; columns are what it was taken for."""
    cell, names = 30, _width([node.name for node in nodes])
    side = cell * len(nodes)
    drawing = Drawing(names + side + 20, names + side + 20, dots=DOTS)
    for index, node in enumerate(nodes):
        at = names + cell * index + cell / 2
        drawing.text((names - 22, at), node.name, anchor="rm")
        drawing.upright((at, names - 22), node.name)
        for place in ((names - 18, at - 6), (at - 6, names - 18)):
            _swatch(drawing, place, node.color)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    for (down, right), share in np.ndenumerate(shares):
        left, top = names + cell * right, names + cell * down
        drawing.box(left, top, cell - 1, cell - 1, _mixed(RAIL, DEEPEST, float(share)))
        if share >= PRINTED:
            color = PAPER if share > DEEP else INK
            middle = (left + cell / 2, top + cell / 2)
            drawing.text(middle, f"{100 * share:.0f}", anchor="mm", size=11, color=color)
    return drawing.finished()


def draw_calibration(bins: Sequence[Bin]) -> Image.Image:
    """The share that is right over the confidence, and how far it is from the line of equality."""
    left, top, side = 56, 20, 360
    drawing = Drawing(left + side + 24, top + side + 52, dots=DOTS)
    for step in range(5):
        at = side * step / 4
        drawing.line([(left, top + side - at), (left + side, top + side - at)], RAIL)
        drawing.text((left - 6, top + side - at), f"{25 * step}%", anchor="rm", color=SOFT)
        drawing.text((left + at, top + side + 14), f"{25 * step}%", anchor="mm", color=SOFT)
    wide = side / len(bins)
    for index, it in enumerate(bins):
        if it.confidence is None or it.accuracy is None:
            continue
        x, low, high = left + wide * index + 1, *sorted((it.confidence, it.accuracy))
        drawing.box(x, top + side * (1 - it.accuracy), wide - 2, side * it.accuracy, DEEPEST)
        drawing.box(x, top + side * (1 - high), wide - 2, side * (high - low), GAP)
    drawing.line([(left, top + side), (left + side, top)], SOFT)
    drawing.text((left + side / 2, top + side + 38), "confidence", anchor="mm")
    drawing.upright((12, top + side / 2 + 20), "right")
    return drawing.finished()


def _swatch(drawing: Drawing, place: Point, color: Color) -> None:
    drawing.box(*place, 12, 12, SOFT)
    drawing.box(place[0] + 1, place[1] + 1, 10, 10, color)


def _width(names: Sequence[str]) -> int:
    """Pixels the longest name takes, with its swatch and gaps."""
    return int(max(ImageFont.load_default(12).getlength(name) for name in names)) + 42


def _mixed(first: Color, second: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
