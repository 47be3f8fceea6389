"""`contact-sheet.png`: small overlays of the photos of a run."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.image_io import render
from grapy_cli.image_io.contact_sheet import SIDE, contact_sheet
from grapy_cli.predict.outputs.kinds import Kind, Row
from grapy_cli.predict.outputs.ranking import first_to_look_at
from grapy_cli.safe_text import spelled

SHEET = "contact-sheet.png"
MOST = 96
"""Photos of a sheet; of a longer run those to look at first."""
COLUMNS = 8


def write_sheet(out: Path, kinds: Sequence[Kind], rows: Iterable[Row]) -> Path:
    """Write small overlays of a run's photos, by the first label set, in order of their names.

    Args:
        kinds: Hold thumbnails.
    """
    photo, mask = (
        next(kind for kind in kinds if kind.save == save) for save in ("small-photo", "small-mask")
    )
    cells = []
    for row in sorted(first_to_look_at(rows, MOST), key=lambda row: str(row["source"])):
        pictures = [out / file for file in (*photo.files_of(row), *mask.files_of(row))]
        if len(pictures) == 2 and all(path.exists() for path in pictures):
            cells.append((_overlay(*pictures, kind=mask), spelled(PurePath(row["source"]).name)))
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
