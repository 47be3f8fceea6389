"""Line charts over a common axis: panels one below the other, each with its legend."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from grapy_cli.html.svg import Color, Drawing, Number, Point

COLORS: tuple[Color, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (119, 119, 119),
)
"""The palette of Okabe and Ito, which people with any color vision can tell apart."""
WIDTH, LEFT, RIGHT, TOP, BOTTOM, LINE = 960, 64, 230, 34, 30, 19
FEW = 25
"""Lines of up to this many points have markers: a line of one point would be invisible."""


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
    least_height: int = 220

    @property
    def height(self) -> int:
        """Height of the plot in pixels; a long legend makes it higher."""
        return max(self.least_height, LINE * len(self.curves))


def draw_curves(panels: Sequence[Panel], axis: str) -> Drawing:
    """Draw panels with one horizontal axis that starts at 0; empty panels are left out."""
    panels = [panel for panel in panels if any(curve.points for curve in panel.curves)]
    height = sum(TOP + panel.height + BOTTOM for panel in panels) or TOP
    drawing = Drawing(WIDTH, height, ", ".join(panel.title for panel in panels))
    curves = [curve for panel in panels for curve in panel.curves]
    last = max((step for curve in curves for step, _ in curve.points), default=1)
    top = TOP
    for panel in panels:
        _Plot(drawing, panel, top, last or 1).draw(axis)
        top += panel.height + BOTTOM + TOP
    return drawing


class _Plot:
    def __init__(self, drawing: Drawing, panel: Panel, top: int, last: Number) -> None:
        self.drawing = drawing
        self.panel = panel
        self.top = top
        self.bottom = top + panel.height
        self.last = last
        highest = max(value for curve in panel.curves for _, value in curve.points)
        self.ticks = nice_ticks(highest)

    def draw(self, axis: str) -> None:
        self.drawing.text((LEFT, self.top - 14), self.panel.title, size=14)
        for tick in self.ticks:
            (_, y) = self.place((0, tick))
            self.drawing.line([(LEFT, y), (WIDTH - RIGHT, y)], "rail")
            self.drawing.text((LEFT - 8, y), f"{tick:g}", anchor="end", fill="soft")
        steps = [tick for tick in nice_ticks(self.last) if tick <= self.last]
        for tick in steps:
            (x, _) = self.place((tick, 0))
            words = f"{axis} {tick:g}" if tick == steps[-1] else f"{tick:g}"
            self.drawing.text((x, self.bottom + 12), words, anchor="middle", fill="soft")
        for index, curve in enumerate(self.panel.curves):
            self.curve(curve)
            self.legend(curve, self.top + LINE * index + LINE // 2)

    def curve(self, curve: Curve) -> None:
        places = [self.place(point) for point in curve.points]
        self.drawing.line(places, curve.color, 2, dashed=curve.dashed)
        if len(places) <= FEW:
            for place in places:
                self.drawing.dot(place, 3, curve.color)

    def legend(self, curve: Curve, y: Number) -> None:
        left = WIDTH - RIGHT + 16
        self.drawing.line([(left, y), (left + 22, y)], curve.color, 3, dashed=curve.dashed)
        name = curve.name if len(curve.name) <= 22 else f"{curve.name[:21]}…"
        self.drawing.text((left + 30, y), name)
        if curve.points:
            last = f"{curve.points[-1][1]:.3g}"
            self.drawing.text((WIDTH - 8, y), last, anchor="end", fill="soft")

    def place(self, point: Point) -> Point:
        step, value = point
        x = LEFT + (WIDTH - RIGHT - LEFT) * step / self.last
        return x, self.bottom - (self.bottom - self.top) * value / self.ticks[-1]


def nice_ticks(highest: Number) -> list[float]:
    """Return three to six round numbers from 0 to one that is at least the highest value."""
    if not highest > 0:
        return [0.0, 1.0]
    size = 10.0 ** math.floor(math.log10(highest / 2))
    step = next(size * nice for nice in (1, 2, 2.5, 5, 10) if highest / (size * nice) <= 5)
    count = math.ceil(highest / step - 1e-9)
    return [float(f"{step * index:.12g}") for index in range(count + 1)]
