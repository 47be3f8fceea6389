"""Contact sheets."""

import numpy as np
from PIL import Image

from grapy_cli.image_io.contact_sheet import GAP, LINE, SIDE, contact_sheet


def test_every_picture_has_its_cell():
    red, blue = (
        Image.new("RGB", size, color) for size, color in (((360, 120), "red"), ((5, 5), "blue"))
    )
    sheet = contact_sheet([[(red, "a"), (blue, "b" * 99)], [(blue, "c")]])
    assert sheet.size == (2 * (SIDE + GAP) + GAP, 2 * (SIDE + LINE + GAP) + GAP)
    pixels = np.asarray(sheet)
    assert (pixels == (255, 0, 0)).all(-1).sum() == SIDE * 80
    assert (pixels == (0, 0, 255)).all(-1).sum() == 2 * 25


def test_nothing_gives_an_empty_sheet():
    assert contact_sheet([]).size == (GAP, GAP)
