"""The page's charts as PNG, for slides and papers: drawn at twice their size, then made smooth."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int64
from PIL import Image, ImageDraw, ImageFont

from grapy_cli.evaluate.records import Result
from grapy_cli.labels import Node
from grapy_cli.metrics.calibration import Bin
from grapy_cli.page.charts import DEEP, PRINTED

CHARTS = ("parts", "confusion", "calibration")

Color = tuple[int, int, int]
Number = int | float
Point = tuple[Number, Number]

PAPER, INK, SOFT, RAIL = (255, 255, 255), (29, 33, 38), (98, 107, 118), (237, 239, 242)
HUES = ((47, 107, 196), (230, 159, 0), (0, 158, 115))  # IoU, accuracy, F1
DEEPEST, GAP = HUES[0], (224, 122, 116)
DOTS = 2  # pixels of the finished picture per unit, for screens and paper with small dots
FINER = 2 * DOTS  # pixels it is drawn with


class Drawing:
    """A white picture that is measured in units of a common screen's pixels."""

    def __init__(self, width: Number, height: Number) -> None:
        size = (FINER * round(width), FINER * round(height))
        self._picture = Image.new("RGB", size, PAPER)
        self._draw = ImageDraw.Draw(self._picture)

    def box(self, left: Number, top: Number, width: Number, height: Number, color: Color) -> None:
        """Fill a rectangle; what is thinner than nothing is not drawn."""
        right, bottom = FINER * (left + width) - 1, FINER * (top + height) - 1
        if right >= FINER * left and bottom >= FINER * top:
            self._draw.rectangle((FINER * left, FINER * top, right, bottom), fill=color)

    def line(self, start: Point, end: Point, color: Color) -> None:
        """Draw a line of one unit."""
        self._draw.line([FINER * it for it in (*start, *end)], fill=color, width=FINER)

    def text(
        self, place: Point, words: str, *, anchor: str = "lm", size: int = 12, color: Color = INK
    ) -> None:
        """Write words; the anchor is Pillow's."""
        font = ImageFont.load_default(FINER * size)
        self._draw.text((FINER * place[0], FINER * place[1]), words, color, font, anchor=anchor)

    def upright(self, place: Point, words: str, size: int = 12) -> None:
        """Write words upward, from the middle of their start."""
        font = ImageFont.load_default(FINER * size)
        strip = Image.new("RGB", (int(font.getlength(words)) + 4, FINER * (size + 6)), PAPER)
        ImageDraw.Draw(strip).text((0, strip.height / 2), words, INK, font, anchor="lm")
        turned = strip.transpose(Image.Transpose.ROTATE_90)
        left, bottom = round(FINER * place[0]), round(FINER * place[1])
        self._picture.paste(turned, (left - turned.width // 2, bottom - turned.height))

    def finished(self) -> Image.Image:
        """The picture, smooth."""
        return self._picture.reduce(FINER // DOTS)


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
    drawing = Drawing(names + length + 90, 44 + row * len(result.nodes))
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
    drawing = Drawing(names + side + 20, names + side + 20)
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
    drawing = Drawing(left + side + 24, top + side + 52)
    for step in range(5):
        at = side * step / 4
        drawing.line((left, top + side - at), (left + side, top + side - at), RAIL)
        drawing.text((left - 6, top + side - at), f"{25 * step}%", anchor="rm", color=SOFT)
        drawing.text((left + at, top + side + 14), f"{25 * step}%", anchor="mm", color=SOFT)
    wide = side / len(bins)
    for index, it in enumerate(bins):
        if it.confidence is None or it.accuracy is None:
            continue
        x, low, high = left + wide * index + 1, *sorted((it.confidence, it.accuracy))
        drawing.box(x, top + side * (1 - it.accuracy), wide - 2, side * it.accuracy, DEEPEST)
        drawing.box(x, top + side * (1 - high), wide - 2, side * (high - low), GAP)
    drawing.line((left, top + side), (left + side, top), SOFT)
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
