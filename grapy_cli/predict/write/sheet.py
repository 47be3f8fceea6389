"""Many pictures on one: rows of equal cells, each with a line below it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from grapy_cli.files import replacing
from grapy_cli.predict import render
from grapy_cli.predict.ranking import first_to_look_at
from grapy_cli.predict.write.outputs import Kind
from grapy_cli.text import spelled

SHEET = "contact-sheet.png"
MOST = 96
"""Photos of a sheet; of a longer run those to look at first."""
COLUMNS = 8

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


def write_sheet(out: Path, kinds: Sequence[Kind], rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write small overlays of a run's photos, by the first label set, in order of their names.

    Args:
        out: The output folder.
        kinds: Hold thumbnails.
        rows: Of the manifest.
    """
    photo, mask = (
        next(kind for kind in kinds if kind.save == save) for save in ("small-photo", "small-mask")
    )
    cells = []
    for row in sorted(first_to_look_at(rows, MOST), key=lambda row: str(row["source"])):
        pictures = [out / file for file in (*photo.files_of(row), *mask.files_of(row))]
        if len(pictures) == 2 and all(path.exists() for path in pictures):
            cells.append(
                (_overlay(*pictures, kind=mask), spelled(PurePosixPath(row["source"]).name))
            )
    columns = min(COLUMNS, math.ceil(math.sqrt(len(cells)))) or 1
    sheet = contact_sheet([cells[i : i + columns] for i in range(0, len(cells), columns)])
    with replacing(out / SHEET) as beside:
        sheet.save(beside, format="PNG")
    return out / SHEET


def _overlay(photo: Path, mask: Path, *, kind: Kind) -> Image.Image:
    with Image.open(photo) as picture, Image.open(mask) as ids:
        small = render.overlay(
            np.array(picture), np.array(ids), kind.view.nodes, kind.alpha, legend=False
        )
    small.thumbnail((SIDE, SIDE))
    return small
