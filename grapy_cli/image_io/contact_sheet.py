"""Many pictures on one: rows of equal cells, each with a line below it."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

GAP, LINE, SIDE = 8, 18, 240
"""Pixels between cells, of a caption's height, and of a cell's sides."""

Cell = tuple[Image.Image, str]
"""A picture and its caption."""


def contact_sheet(rows: Sequence[Sequence[Cell]]) -> Image.Image:
    """Lay pictures out in rows from the top, each made to fit a square, with its caption below.

    Rows may differ in length. A caption is cut to the width of its square.
    """
    font = ImageFont.load_default(12)
    columns = max((len(row) for row in rows), default=0)
    width, height = (SIDE + GAP) * columns + GAP, (SIDE + LINE + GAP) * len(rows) + GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    for down, row in enumerate(rows):
        for right, (picture, caption) in enumerate(row):
            left, top = GAP + right * (SIDE + GAP), GAP + down * (SIDE + LINE + GAP)
            small = picture.convert("RGB")
            small.thumbnail((SIDE, SIDE))
            sheet.paste(small, (left + (SIDE - small.width) // 2, top + SIDE - small.height))
            text = _cut(caption, font)
            draw.text((left + SIDE // 2, top + SIDE + LINE // 2), text, "black", font, anchor="mm")
    return sheet


def _cut(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= SIDE:
        return text
    while text and font.getlength(f"{text}…") > SIDE:
        text = text[:-1]
    return f"{text}…"
