"""Parts as outlines, in GeoJSON."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from grapy_cli.atomic import write_text
from grapy_cli.image_io.label_maps import Box, box_of
from grapy_cli.predict.outputs.polygonize import Ring, polygons_of
from grapy_cli.predict.outputs.remap import Layer
from grapy_cli.predict.outputs.rle import encode_region


def write_polygons(layer: Layer, path: Path) -> None:
    """GeoJSON FeatureCollection with a MultiPolygon for each part that is there.

    Coordinates are pixels, x to the right and y down, of the corners between pixels: the polygons
    cover exactly what the mask does. Properties have id and name of the part, area in pixels,
    bounding box (x, y, width, height) and the same region as COCO's run lengths.
    """
    height, width = layer.label_map.shape
    features = [_feature(layer, part, node.name) for part, node in layer.present]
    head = {"type": "FeatureCollection", "width": width, "height": height}
    write_text(path, json.dumps(head | {"features": features}, separators=(",", ":")) + "\n")


def _feature(layer: Layer, part: int, name: str) -> dict[str, Any]:
    region = layer.label_map == part
    box = box_of(region)
    polygons = polygons_of(region[box.crop])
    return {
        "type": "Feature",
        "properties": {
            "id": part,
            "part": name,
            "area": int(np.count_nonzero(region)),
            "bbox": box,
            "rle": encode_region(region),
        },
        "geometry": {
            "type": "MultiPolygon",
            "coordinates": [[_placed(ring, box) for ring in rings] for rings in polygons],
        },
    }


def _placed(ring: Ring, box: Box) -> Ring:
    """The ring where it lies in the photo, its first corner once more at the end."""
    return [(x + box.left, y + box.top) for x, y in (*ring, ring[0])]
