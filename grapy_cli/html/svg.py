"""Write charts as SVG: the same drawing stands in an HTML page and in a file."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from xml.etree import ElementTree

Color = tuple[int, int, int]
Number = int | float
Point = tuple[Number, Number]
Paint = Color | str
"""A fixed color, or a name from `THEME`."""

NAMESPACE = "http://www.w3.org/2000/svg"
THEME = {
    "ink": "#1d2126",
    "soft": "#626b76",
    "paper": "#ffffff",
    "rail": "#edeff2",
    "bar": "#2f6bc4",
    "second": "#e69f00",
    "third": "#009e73",
    "gap": "#e07a74",
    "marked": "#8a5a00",
}
"""Colors of a file. Each name is also a CSS class, so a page can replace the color."""


class Drawing:
    """An SVG picture; lengths are CSS pixels.

    Colors are attributes, not styles: programs that ignore CSS show them as well.
    """

    def __init__(self, width: Number, height: Number, label: str, *, role: str = "img") -> None:
        """Start a white picture.

        Args:
            label: Says what the picture shows, for screen readers.
            role: ARIA role: "img", or "group" if parts of the picture take the focus.
        """
        attributes = {
            "class": "chart",
            "role": role,
            "aria-label": label,
            "font-family": "system-ui, sans-serif",
            "font-size": "12",
            "fill": THEME["ink"],
            **_numbers(width=width, height=height),
            "viewBox": f"0 0 {width:g} {height:g}",
        }
        self.width, self.height = width, height
        self._root = self._parent = ElementTree.Element("svg", attributes)
        self.box(0, 0, width, height, "paper")

    def box(
        self,
        left: Number,
        top: Number,
        width: Number,
        height: Number,
        fill: Paint,
        *,
        opacity: Number = 1,
        frame: Paint | None = None,
    ) -> None:
        """Fill a rectangle; `frame` is the color of its border."""
        element = self._add("rect", fill, **_numbers(x=left, y=top, width=width, height=height))
        if opacity != 1:
            element.set("fill-opacity", f"{opacity:.3g}")
        if frame is not None:
            element.set("stroke", _color(frame))

    def dot(self, middle: Point, radius: Number, fill: Paint) -> None:
        """Fill a circle."""
        self._add("circle", fill, **_numbers(cx=middle[0], cy=middle[1], r=radius))

    def line(
        self, points: Sequence[Point], stroke: Paint, width: Number = 1, *, dashed: bool = False
    ) -> None:
        """Draw a line through points."""
        text = " ".join(f"{x:.5g},{y:.5g}" for x, y in points)
        attributes = {"points": text, "fill": "none", **_numbers(**{"stroke-width": width})}
        if dashed:
            attributes["stroke-dasharray"] = "7 4"
        self._add("polyline", stroke, paints="stroke", **attributes)

    def text(
        self,
        place: Point,
        words: str,
        *,
        fill: Paint = "ink",
        anchor: str = "start",
        size: int = 12,
        upright: bool = False,
    ) -> None:
        """Write words; `place` is at mid-height of the letters, at their start, middle or end."""
        x, y = place
        attributes = _numbers(x=x, y=y, dy=0.35 * size)
        if anchor != "start":
            attributes["text-anchor"] = anchor
        if size != 12:
            attributes["font-size"] = str(size)
        if upright:
            attributes["transform"] = f"rotate(-90 {x:g} {y:g})"
        self._add("text", fill, **attributes).text = words

    @contextmanager
    def cell(self, title: str, tabindex: int | None = None) -> Iterator[None]:
        """Put what is drawn inside the `with` block into a group with a tooltip."""
        attributes = {"class": "cell", "role": "img"}
        if tabindex is not None:
            attributes["tabindex"] = str(tabindex)
        self._parent = ElementTree.SubElement(self._root, "g", attributes)
        ElementTree.SubElement(self._parent, "title").text = title
        yield
        self._parent = self._root

    def __str__(self) -> str:
        """Return the SVG element for an HTML page."""
        return ElementTree.tostring(self._root, encoding="unicode")

    __html__ = __str__  # templates put it into the page without escaping

    def to_file(self) -> str:
        """Return the text of an SVG file."""
        root = ElementTree.Element("svg", {"xmlns": NAMESPACE, **self._root.attrib})
        root.extend(self._root)
        return ElementTree.tostring(root, encoding="unicode")

    def _add(
        self, name: str, paint: Paint, *, paints: str = "fill", **attributes: str
    ) -> ElementTree.Element:
        attributes[paints] = _color(paint)
        if isinstance(paint, str):
            attributes["class"] = paint
        return ElementTree.SubElement(self._parent, name, attributes)


def swatch(drawing: Drawing, left: Number, middle: Number, color: Color) -> None:
    """Draw a small square in a part's color."""
    drawing.box(left, middle - 6, 11, 11, color, frame="soft")


def _color(paint: Paint) -> str:
    return THEME[paint] if isinstance(paint, str) else "#{:02x}{:02x}{:02x}".format(*paint)


def _numbers(**lengths: Number) -> dict[str, str]:
    return {name: f"{length:.5g}" for name, length in lengths.items()}
