"""Mend label maps by a table of what people saw in them: `grapy-lite-labels.toml` shows its form.

python examples/mend_labels.py raw-voc examples/grapy-lite-labels.toml

The folder has the layout of PASCAL-Person-Part with `SegmentationPart/` (parts) and `person/`
(1 person, 0 not, 255 unknown). Links to label maps become files; what they link to stays.
"""

import argparse
import tomllib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.labels import IGNORE

RING = 1.3
"""Radii of the unknown pixels around an object, as a multiple of its own."""


def main():
    arguments = read_arguments()
    table = tomllib.loads(arguments.table.read_text())
    keys = [*table["nobody"], *table["objects"], *table["unknown"]]
    for key in dict.fromkeys(keys):
        for kind in ("SegmentationPart", "person"):
            path = arguments.folder / kind / f"{key}.png"
            if path.exists():
                mended = mend(load_label_map(path), key, table)
                path.unlink()
                Image.fromarray(mended).save(path)


def mend(labels: np.ndarray, key: str, table: dict):
    objects = table["objects"].get(key, [])
    if key in table["nobody"]:
        labels[:] = 0
    for ellipse in objects:
        labels[inside(ellipse, labels.shape, RING) & (labels > 0)] = IGNORE
    for ellipse in table["unknown"].get(key, []):
        labels[inside(ellipse, labels.shape) & (labels > 0)] = IGNORE
    for ellipse in objects:
        labels[inside(ellipse, labels.shape)] = 0
    return labels


def inside(ellipse: list[float], shape: tuple[int, int], factor: float = 1.0):
    height, width = shape
    x, y, across, down, *turn = ellipse
    axes = (2 * factor * across * width, 2 * factor * down * height)
    canvas = np.zeros(shape, np.uint8)
    cv2.ellipse(canvas, ((x * width, y * height), axes, turn[0] if turn else 0.0), 1, -1)
    return canvas > 0


def read_arguments():
    parser = argparse.ArgumentParser(description="Mend label maps by a table.")
    parser.add_argument("folder", type=Path, help="photos and label maps, as PASCAL-Person-Part")
    parser.add_argument("table", type=Path, help="what people saw in them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
