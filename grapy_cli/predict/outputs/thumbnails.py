"""Small pictures of every photo and mask, for gallery and contact sheet.

They are written with the other results, so that no photo is read twice: one that came through a
pipe cannot be.
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.image_io.label_maps import shrink, shrunk_size
from grapy_cli.predict.outputs.remap import Layer

SIDE = 560
"""Longest side, pixels; larger photos are shrunk to it."""


def write_small_photo(layer: Layer, path: Path) -> None:
    """Write a JPEG of the photo."""
    size = shrunk_size(layer.parsing.label_map.shape, SIDE)
    small = cv2.resize(layer.parsing.seen, size, interpolation=cv2.INTER_AREA)
    with replacing(path) as beside:
        Image.fromarray(np.asarray(small, np.uint8)).save(beside, format="JPEG", quality=78)


def write_small_mask(layer: Layer, path: Path) -> None:
    """Write the mask in the same size with a transparent background, to lie on the photo."""
    mask = Image.fromarray(shrink(layer.label_map, SIDE))
    mask.putpalette(layer.view.palette)
    with replacing(path) as beside:
        mask.save(beside, format="PNG", transparency=0, optimize=True)
