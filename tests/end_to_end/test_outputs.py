"""Every kind of result of one command, whole after the run and after one that goes on."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.settings.sections import PredictSettings
from grapy_cli.settings.tree import choices
from tests.support.networks import write_weights
from tests.support.warm import call_grapy

KINDS = choices(PredictSettings.model_fields["save"])
JOINED = (
    "gallery.html",
    "contact-sheet.png",
    "polygons-atr/coco.json",
    "polygons-pascal/coco.json",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    (folder / "photos").mkdir()
    random = np.random.default_rng(0)
    for name, size in {"a.png": (48, 60), "b.jpg": (64, 40), "c.png": (33, 33)}.items():
        small = Image.fromarray(random.integers(0, 256, (4, 4, 3), np.uint8))
        small.resize(size).save(folder / "photos" / name)
    (folder / "photos/d.jpg").write_text("no photo")
    write_weights(folder / "tiny.safetensors")
    return folder


def predict(folder: Path, out: str, *sources: str):
    done = call_grapy(
        *("predict", *sources, "--dataset", "all", "--out", out, "--weights", "tiny.safetensors"),
        *("--save", ",".join(KINDS), "--levels", "3,1", "--gallery", "--contact-sheet"),
        *("--device", "cpu"),
        folder=folder,
    )
    assert done.returncode in (0, 5), done.stderr
    return done


@pytest.fixture(scope="module")
def whole(folder):
    done = predict(folder, "whole", "photos")
    assert done.returncode == 5
    return folder / "whole"


def test_each_kind_of_result_is_there(whole):
    rows = [json.loads(line) for line in (whole / "manifest.jsonl").read_text().splitlines()]
    assert [row["source"] for row in rows] == ["photos/a.png", "photos/b.jpg", "photos/c.png"]
    for row in rows:
        assert len(set(row["files"])) == len(row["files"])
        assert all((whole / file).is_file() for file in row["files"])
    folders = {path.name for path in whole.iterdir() if path.is_dir()}
    assert {"atr", "pascal-level1", "overlay-atr-level1", "contours-pascal"} <= folders
    for what in set(KINDS) - {"mask"}:
        assert any(name.startswith(what) for name in folders), what
    assert "no photo" not in (whole / "gallery.html").read_text()
    assert "photos/d.jpg" in (whole / "gallery.html").read_text()


def test_polygons_cover_what_the_mask_does(whole):
    with Image.open(whole / "atr/a.png") as picture:
        mask = np.array(picture)
    features = json.loads((whole / "polygons-atr/a.geojson").read_text())["features"]
    areas = {feature["properties"]["id"]: feature["properties"]["area"] for feature in features}
    ids, counts = np.unique(mask[mask > 0], return_counts=True)
    assert areas == dict(zip(ids.tolist(), counts.tolist(), strict=True))


def test_a_run_that_goes_on_ends_with_the_same_files(folder, whole):
    predict(folder, "parts", "photos/b.jpg")
    predict(folder, "parts", "photos")
    for file in JOINED:
        assert (folder / "parts" / file).read_bytes() == (whole / file).read_bytes(), file
