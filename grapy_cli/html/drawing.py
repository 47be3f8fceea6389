"""Drawing with Pillow, whose own lines have jagged edges: larger first, then made smooth."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from grapy_cli.html.elements import Color

Number = int | float
Point = tuple[Number, Number]

PAPER, INK, SOFT = (255, 255, 255), (29, 33, 38), (98, 107, 118)
FINE = 2
"""Drawn so many times as large as the finished picture."""


class Drawing:
    """A white picture that is measured in units of a common screen's pixels.

    Args:
        width: In units, as all that follows.
        height: Likewise.
        dots: Pixels of the finished picture per unit; 2 is for screens and paper with small dots.
    """

    def __init__(self, width: Number, height: Number, *, dots: int = 1) -> None:
        self._scale = FINE * dots
        size = (self._scale * round(width), self._scale * round(height))
        self._picture = Image.new("RGB", size, PAPER)
        self._pen = ImageDraw.Draw(self._picture)

    def box(self, left: Number, top: Number, width: Number, height: Number, color: Color) -> None:
        """Fill a rectangle; what is thinner than nothing is not drawn."""
        scale = self._scale
        right, bottom = scale * (left + width) - 1, scale * (top + height) - 1
        if right >= scale * left and bottom >= scale * top:
            self._pen.rectangle((scale * left, scale * top, right, bottom), fill=color)

    def dot(self, middle: Point, radius: Number, color: Color) -> None:
        """Fill a circle."""
        (x, y), scale = middle, self._scale
        around = (x - radius, y - radius, x + radius, y + radius)
        self._pen.ellipse([scale * it for it in around], fill=color)

    def line(self, places: Sequence[Point], color: Color, width: int = 1) -> None:
        """Draw a line from place to place."""
        scaled = [(self._scale * x, self._scale * y) for x, y in places]
        self._pen.line(scaled, fill=color, width=self._scale * width, joint="curve")

    def text(
        self, place: Point, words: str, *, anchor: str = "lm", size: int = 12, color: Color = INK
    ) -> None:
        """Write words; the anchor is Pillow's."""
        font = ImageFont.load_default(self._scale * size)
        scaled = (self._scale * place[0], self._scale * place[1])
        self._pen.text(scaled, words, color, font, anchor=anchor)

    def upright(self, place: Point, words: str, size: int = 12) -> None:
        """Write words upward, from the middle of their start."""
        font = ImageFont.load_default(self._scale * size)
        extent = (int(font.getlength(words)) + 4, self._scale * (size + 6))
        strip = Image.new("RGB", extent, PAPER)
        ImageDraw.Draw(strip).text((0, strip.height / 2), words, INK, font, anchor="lm")
        turned = strip.transpose(Image.Transpose.ROTATE_90)
        left, bottom = round(self._scale * place[0]), round(self._scale * place[1])
        self._picture.paste(turned, (left - turned.width // 2, bottom - turned.height))

    def finished(self) -> Image.Image:
        """The picture, smooth."""
        return self._picture.reduce(FINE)
