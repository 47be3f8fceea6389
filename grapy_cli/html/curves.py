"""Lines over a common axis, as a picture: panels one below the other, each with its legend."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from PIL import Image

from grapy_cli.html.drawing import SOFT, Drawing, Number, Point
from grapy_cli.html.elements import Color

COLORS: tuple[Color, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (119, 119, 119),
)
"""Okabe and Ito's, which people with any colour vision tell apart."""
GRID = (226, 229, 233)
WIDTH, LEFT, RIGHT, TOP, BOTTOM, LINE = 960, 64, 230, 34, 30, 19
FEW = 25
"""Points up to this many are marked, since a line of one point would not be seen."""


class Curve(NamedTuple):
    """One line."""

    name: str
    points: Sequence[Point]
    color: Color = COLORS[0]
    dashed: bool = False


class Panel(NamedTuple):
    """Lines that share a scale."""

    title: str
    curves: Sequence[Curve]
    height: int = 220
    """Pixels of the plot; more where its legend needs them."""

    @property
    def room(self) -> int:
        """Pixels of the plot that it gets."""
        return max(self.height, LINE * len(self.curves))


def draw_curves(panels: Sequence[Panel], axis: str) -> Image.Image:
    """Draw panels whose horizontal axes are one and the same, from 0; empty ones are left out.

    Args:
        panels: From the top.
        axis: What is counted from left to right.
    """
    panels = [panel for panel in panels if any(curve.points for curve in panel.curves)]
    height = sum(TOP + panel.room + BOTTOM for panel in panels) or TOP
    drawing = Drawing(WIDTH, height)
    curves = [curve for panel in panels for curve in panel.curves]
    last = max((step for curve in curves for step, _ in curve.points), default=1)
    top = TOP
    for panel in panels:
        _Plot(drawing, panel, top, last or 1).draw(axis)
        top += panel.room + BOTTOM + TOP
    return drawing.finished()


class _Plot:
    """One panel at its place on the drawing."""

    def __init__(self, drawing: Drawing, panel: Panel, top: int, last: Number) -> None:
        self.drawing = drawing
        self.panel = panel
        self.top = top
        self.bottom = top + panel.room
        self.last = last
        highest = max(value for curve in panel.curves for _, value in curve.points)
        self.ticks = nice_ticks(highest)

    def draw(self, axis: str) -> None:
        self.drawing.text((LEFT, self.top - 14), self.panel.title, size=14)
        for tick in self.ticks:
            (_, y) = self.place((0, tick))
            self.drawing.line([(LEFT, y), (WIDTH - RIGHT, y)], GRID)
            self.drawing.text((LEFT - 8, y), f"{tick:g}", anchor="rm", color=SOFT)
        steps = [tick for tick in nice_ticks(self.last) if tick <= self.last]
        for tick in steps:
            (x, _) = self.place((tick, 0))
            words = f"{axis} {tick:g}" if tick == steps[-1] else f"{tick:g}"
            self.drawing.text((x, self.bottom + 12), words, anchor="mm", color=SOFT)
        for index, curve in enumerate(self.panel.curves):
            self.curve(curve)
            self.legend(curve, self.top + LINE * index + LINE // 2)

    def curve(self, curve: Curve) -> None:
        places = [self.place(point) for point in curve.points]
        for stroke in _dashes(places) if curve.dashed else [places]:
            self.drawing.line(stroke, curve.color, 2)
        if len(places) <= FEW:
            for place in places:
                self.drawing.dot(place, 3, curve.color)

    def legend(self, curve: Curve, y: Number) -> None:
        left = WIDTH - RIGHT + 16
        sample = [(left, y), (left + 22, y)]
        for stroke in _dashes(sample) if curve.dashed else [sample]:
            self.drawing.line(stroke, curve.color, 3)
        name = curve.name if len(curve.name) <= 22 else f"{curve.name[:21]}…"
        self.drawing.text((left + 30, y), name)
        if curve.points:
            last = f"{curve.points[-1][1]:.3g}"
            self.drawing.text((WIDTH - 8, y), last, anchor="rm", color=SOFT)

    def place(self, point: Point) -> Point:
        step, value = point
        x = LEFT + (WIDTH - RIGHT - LEFT) * step / self.last
        return x, self.bottom - (self.bottom - self.top) * value / self.ticks[-1]


def nice_ticks(highest: Number) -> list[float]:
    """Round numbers from 0 to one that is not below the highest value, three to six of them."""
    if not highest > 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(highest / 2))
    step = next(size * nice for nice in (1, 2, 2.5, 5, 10) if highest / (size * nice) <= 5)
    count = math.ceil(highest / step - 1e-9)
    return [float(f"{step * index:.12g}") for index in range(count + 1)]


def _dashes(places: Sequence[Point], on: Number = 7, off: Number = 4) -> Iterator[list[Point]]:
    """Cut a line into dashes; the pattern goes on round corners."""
    along, stroke = 0.0, list(places[:1])
    for (x0, y0), (x1, y1) in pairwise(places):
        length = math.hypot(x1 - x0, y1 - y0)
        done = 0.0
        while length - done > 1e-9:
            inside = along % (on + off)
            is_on = inside < on - 1e-9
            part = min(length - done, (on if is_on else on + off) - inside)
            done += max(part, 1e-6)
            along += max(part, 1e-6)
            place = (x0 + (x1 - x0) * done / length, y0 + (y1 - y0) * done / length)
            if is_on:
                stroke.append(place)
                continue
            if len(stroke) > 1:
                yield stroke
            stroke = [place]
    if len(stroke) > 1:
        yield stroke
