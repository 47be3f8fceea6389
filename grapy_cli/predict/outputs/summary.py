"""A photo's parts in numbers."""

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from grapy_cli.atomic import write_text
from grapy_cli.image_io.label_maps import box_of
from grapy_cli.predict.outputs.remap import Layer


def write_summary(layer: Layer, path: Path) -> None:
    """Write JSON: the photo's size, and share, box, centroid and confidence of each part."""
    text = json.dumps(summarize(layer), indent=2)
    text = re.sub(r"\[[\d\s.,]+\]", lambda found: f"[{' '.join(found[0][1:-1].split())}]", text)
    write_text(path, text + "\n")


def summarize(layer: Layer) -> dict[str, Any]:
    """Describe the parts in a photo.

    `share` is of the photo, in [0, 1]; `box` is left, top, width and height, `centroid` x and y, in
    pixels; `confidence` is the mean probability, in [0, 1], of the label set's part that won, also
    at coarser levels; `components` counts the pieces that touch nowhere, not even at a corner.
    """
    height, width = layer.label_map.shape
    return {
        "width": width,
        "height": height,
        "dataset": layer.parsing.label_set.name,
        "parts": [_part(layer, part, node.name) for part, node in layer.present],
    }


def _part(layer: Layer, part: int, name: str) -> dict[str, Any]:
    region = layer.label_map == part
    box = box_of(region)
    inside = region[box.crop]
    ys, xs = np.nonzero(inside)
    components, _ = cv2.connectedComponents(inside.astype(np.uint8), connectivity=8)
    centroid = (float(xs.mean()) + box.left + 0.5, float(ys.mean()) + box.top + 0.5)
    return {
        "id": part,
        "part": name,
        "share": round(xs.size / region.size, 6),
        "box": box,
        "centroid": [round(at, 1) for at in centroid],
        "confidence": round(float(layer.parsing.confidence[region].mean()), 4),
        "components": components - 1,
    }
