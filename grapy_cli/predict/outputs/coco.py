"""The polygons of all photos of a run as one file in COCO's format."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from grapy_cli import __version__
from grapy_cli.atomic import replacing
from grapy_cli.labels import LabelSet, Level
from grapy_cli.predict.outputs.kinds import Kind, Row
from grapy_cli.predict.outputs.remap import View

COCO = "coco.json"


def write_coco(kind: Kind, out: Path, rows: Iterable[Row]) -> Path:
    """Join the photos' GeoJSON files, one at a time, so that any number of photos fits.

    It includes what a stopped run or other machines wrote, as the rows list it.

    Args:
        kind: Of polygons; the file lies in its folder.
        rows: Of the manifest; read twice.
    """
    path = out / kind.folder / COCO
    info = {"description": f"parsed by {kind.labels.name}", "version": f"grapy {__version__}"}
    with replacing(path) as beside, beside.open("w", encoding="utf-8") as file:
        file.write(f'{{"info":{json.dumps(info)},\n"images":')
        _write_list(file, _images(rows))
        file.write(',\n"annotations":')
        _write_list(file, _annotations(kind, out, rows))
        file.write(',\n"categories":')
        _write_list(file, _categories(kind.view, kind.labels))
        file.write("}\n")
    return path


def _write_list(file: TextIO, rows: Iterable[Row]) -> None:
    between = "[\n"
    for row in rows:
        file.write(between + json.dumps(row, separators=(",", ":")))
        between = ",\n"
    file.write("[]" if between == "[\n" else "\n]")


def _images(rows: Iterable[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        size = {"width": row["width"], "height": row["height"]}
        yield {"id": number, "file_name": row["source"], **size}


def _annotations(kind: Kind, out: Path, rows: Iterable[Row]) -> Iterator[Row]:
    count = 0
    for number, row in enumerate(rows, 1):
        for file in kind.files_of(row):
            for feature in json.loads((out / file).read_text(encoding="utf-8"))["features"]:
                count += 1
                about = feature["properties"]
                yield {
                    "id": count,
                    "image_id": number,
                    "category_id": about["id"],
                    "segmentation": about["rle"],
                    "area": about["area"],
                    "bbox": about["bbox"],
                    "iscrowd": 0,
                }


def _categories(view: View, labels: LabelSet) -> Iterator[Row]:
    """One for each id but the background; our own parts belong to their group."""
    own = view.nodes == labels.nodes(Level.PART)
    groups, lift = labels.nodes(Level.CATEGORY), labels.lift(Level.CATEGORY)
    for part, node in enumerate(view.nodes):
        if part:
            above = groups[lift[part]].name if own else "person"
            yield {"id": part, "name": node.name, "supercategory": above}
