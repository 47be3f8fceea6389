"""Many pictures on one: rows of equal cells, each with a line below it."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP = 8
LINE = 18
SIDE = 240

Cell = tuple[Image.Image, str]
"""A picture and its caption."""


def contact_sheet(rows: Sequence[Sequence[Cell]], side: int = SIDE) -> Image.Image:
    """Lay pictures out in rows, each made to fit a square, its caption cut to its width.

    Args:
        rows: From the top; they may differ in length.
        side: Of a cell, pixels.
    """
    font = ImageFont.load_default(12)
    columns = max((len(row) for row in rows), default=0)
    width, height = (side + GAP) * columns + GAP, (side + LINE + GAP) * len(rows) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    for down, row in enumerate(rows):
        for right, (picture, caption) in enumerate(row):
            left, top = GAP + right * (side + GAP), GAP + down * (side + LINE + GAP)
            small = picture.convert("RGB")
            small.thumbnail((side, side))
            sheet.paste(small, (left + (side - small.width) // 2, top + side - small.height))
            text = _cut(caption, font, side)
            draw.text((left + side // 2, top + side + LINE // 2), text, "black", font, anchor="mm")
    return sheet


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
