"""GeoJSON of a photo, COCO of a run."""

import json
from pathlib import PurePosixPath

import numpy as np
import pytest

from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.outputs.coco import write_coco
from grapy_cli.predict.outputs.kinds import plan_kinds
from tests.support.parsings import PASCAL, block_map, parsing_of, write_kind


def test_a_hole_is_a_hole(tmp_path):
    label_map = block_map(head=np.s_[2:10, 5:15])
    label_map[4:6, 7:9] = 0
    assert write_kind(parsing_of(label_map), tmp_path, "polygons") == ["a.geojson"]
    collection = json.loads((tmp_path / "a.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    [feature] = collection["features"]
    about = feature["properties"]
    assert (about["id"], about["part"], about["area"]) == (1, "head", 8 * 10 - 4)
    assert about["bbox"] == [5, 2, 10, 8]
    [[border, hole]] = feature["geometry"]["coordinates"]
    assert border == [[5, 2], [15, 2], [15, 10], [5, 10], [5, 2]]
    assert hole[0] == hole[-1]
    assert {tuple(corner) for corner in hole} == {(7, 4), (9, 4), (9, 6), (7, 6)}


def test_nobody_is_an_empty_collection(tmp_path):
    write_kind(parsing_of(block_map()), tmp_path, "polygons")
    assert json.loads((tmp_path / "a.geojson").read_text())["features"] == []


@pytest.fixture
def run(tmp_path):
    """Two photos, the second of nobody, and their rows."""
    kinds = plan_kinds([PASCAL], [3], ["mask", "polygons"])
    rows = []
    maps = (block_map(head=np.s_[2:10, 5:15], torso=np.s_[10:30, 3:20]), block_map(9, 7))
    for name, label_map in zip("ab", maps, strict=True):
        parsings = {"pascal": parsing_of(label_map)}
        files = [f for kind in kinds for f in kind.write(parsings, tmp_path, PurePosixPath(name))]
        height, width = label_map.shape
        rows.append({"source": f"{name}.jpg", "files": files, "width": width, "height": height})
    return tmp_path, kinds[1], rows, maps


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco_is_read_by_pycocotools(run, capsys):
    coco = pytest.importorskip("pycocotools.coco")
    out, kind, rows, maps = run
    path = write_coco(kind, out, rows)
    assert path == out / "polygons/coco.json"
    read = coco.COCO(str(path))
    assert [image["file_name"] for image in read.loadImgs(read.getImgIds())] == ["a.jpg", "b.jpg"]
    head, torso = read.loadAnns(read.getAnnIds(imgIds=[1]))
    for part, annotation in ((1, head), (2, torso)):
        np.testing.assert_array_equal(read.annToMask(annotation), maps[0] == part)
        assert annotation["category_id"] == part
        assert annotation["area"] == (maps[0] == part).sum()
    assert torso["bbox"] == [3, 10, 17, 20]
    assert read.getAnnIds(imgIds=[2]) == []
    categories = {one["name"]: one["supercategory"] for one in read.loadCats(read.getCatIds())}
    assert categories["head"] == "head"
    assert categories["lower-leg"] == "legs"
    assert "background" not in categories


def test_coco_of_no_photo_is_json(run):
    out, kind, _, _ = run
    whole = json.loads(write_coco(kind, out, []).read_text())
    assert (whole["images"], whole["annotations"]) == ([], [])
    assert len(whole["categories"]) == 6


def test_categories_in_the_order_of_another_tool(tmp_path):
    [kind] = plan_kinds([LABEL_SETS["cihp"]], [3], ["polygons"], remap="viton-hd")
    whole = json.loads(write_coco(kind, tmp_path, []).read_text())
    assert whole["categories"][2] == {"id": 3, "name": "upper", "supercategory": "person"}
