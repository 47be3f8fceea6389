"""The road a person walks: prepare, train in three stages, eval, predict, each as typed."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.labels import LABEL_SETS, LabelSet
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.weights import card_of, save_weights
from tests.support import tiny
from tests.support.label_files import labels_toml
from tests.support.training import RECIPE, WRITERS
from tests.support.warm import call_grapy

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "samples"
RESULT = {"dataset", "split", "level", "photos", "skipped", "parts"}
RATIOS = ("mean_iou", "mean_accuracy", "pixel_accuracy")
NODES = {1: 2, 2: 5}
TRAIN = ("train", "--config", str(RECIPE), "--epochs", "1")
OWN = labels_toml("halves", "left-half arms right-half", "right-half arms left-half")

pytestmark = pytest.mark.timeout(300)


def grapy(folder, *arguments):
    """Type a command that must succeed, and return what it answers."""
    ran = call_grapy(*arguments, folder=folder, OMP_NUM_THREADS="1")
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stdout


def check_report(text, parts, photos):
    """The document of `grapy eval --json`, as the contract has it."""
    report = json.loads(text)
    assert {"results", "protocol", "weights"} <= set(report)
    found = [(result["dataset"], result["level"]) for result in report["results"]]
    assert found == [(name, level) for name in parts for level in (3, 2, 1)]
    for result in report["results"]:
        assert {*RESULT, *RATIOS} <= set(result)
        assert (result["split"], result["photos"], result["skipped"]) == ("val", photos, [])
        assert len(result["parts"]) == NODES.get(result["level"], parts[result["dataset"]])
        scores = [result[ratio] for ratio in RATIOS]
        for part in result["parts"].values():
            assert set(part) >= {"iou", "accuracy"}
            scores += [part["iou"], part["accuracy"]]
        assert all(score is None or 0 <= score <= 1 for score in scores)


def check_masks(out, folders, photos):
    """Masks of every kind at the photos' paths, and a manifest of them."""
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert len(rows) == len(photos)
    assert not (out / "failures.jsonl").exists()
    datasets = {folder.partition("-level")[0] for folder in folders}
    for row, photo in zip(rows, photos, strict=True):
        assert Path(row["source"]).name == photo.name
        names = {str(Path(folder, photo.stem).with_suffix(".png")) for folder in folders}
        assert {str(Path(file).parent / Path(file).name) for file in row["files"]} == names
        with Image.open(photo) as picture:
            assert (row["width"], row["height"]) == picture.size
        assert set(row["shares"]) == set(row["confidence"]) == datasets
        for shares in row["shares"].values():
            assert sum(shares.values()) == pytest.approx(1, abs=0.01)
        assert all(0 <= value <= 1 for value in row["confidence"].values())
        assert row["seconds"] > 0
    for folder, palette in folders.items():
        for photo in photos:
            with Image.open(out / folder / f"{photo.stem}.png") as mask, Image.open(photo) as shown:
                assert (mask.mode, mask.size) == ("P", shown.size)
                assert mask.getpalette()[: len(palette)] == palette
                assert np.array(mask).max() < len(palette) // 3


def folders_of(names, label_sets, levels=(3, 2, 1)):
    """What lies below the output folder, with the palette of the masks there."""
    return {
        name if level == 3 else f"{name}-level{level}": [
            channel for node in label_sets[name].nodes(level) for channel in node.color
        ]
        for name in names
        for level in levels
    }


def test_three_data_sets_three_stages(tmp_path):
    names = ("cihp", "atr", "pascal")
    for write in WRITERS.values():
        write(tmp_path / "data" / "raw")
    grapy(tmp_path, "prepare", "--dataset", ",".join(names))
    assert grapy(tmp_path, *TRAIN, "--stage", "pretrain", "--out", "runs/p") == "runs/p\n"
    grapy(tmp_path, *TRAIN, "--stage", "joint", "--init", "runs/p", "--out", "runs/j")
    tune = ("--stage", "finetune", "--dataset", "pascal")
    grapy(tmp_path, *TRAIN, *tune, "--init", "runs/j", "--out", "runs/f")

    joint = ("--weights", "runs/j", "--device", "cpu")
    report = grapy(tmp_path, "eval", "--dataset", ",".join(names), *joint, "--json")
    check_report(report, {name: LABEL_SETS[name].num_parts for name in names}, photos=1)
    report = grapy(tmp_path, "eval", "--weights", "runs/f/best", "--json")
    check_report(report, {"pascal": 7}, photos=1)

    asked = ("--dataset", ",".join(names), "--levels", "3,2,1", "--out", "masks")
    grapy(tmp_path, "predict", "data/pascal/images", *asked, *joint)
    photos = sorted((tmp_path / "data" / "pascal" / "images").iterdir())
    assert len(photos) == 4
    check_masks(tmp_path / "masks", folders_of(names, LABEL_SETS), photos)


def test_a_data_set_of_ones_own(tmp_path):
    (tmp_path / "my.toml").write_text(OWN)
    labels = LabelSet.from_dict(tomllib.loads(OWN))
    tiny.write_own(tmp_path / "photos", labels)
    grapy(tmp_path, "prepare", "--dataset", "my.toml", "--source", "photos")
    grapy(tmp_path, *TRAIN, "--dataset", "my.toml", "--out", "run")
    weights = ("--dataset", "my.toml", "--weights", "run", "--device", "cpu")
    check_report(grapy(tmp_path, "eval", *weights, "--json"), {"halves": 3}, photos=1)
    grapy(tmp_path, "predict", "photos/images", *weights, "--levels", "3,1", "--out", "masks")
    photos = sorted((tmp_path / "photos" / "images").iterdir())
    folders = folders_of(["halves"], {"halves": labels}, levels=(3, 1))
    check_masks(tmp_path / "masks", folders, photos)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the releases' samples are not here")
def test_photos_of_the_real_releases(tmp_path):
    """Looked at only: an untrained network is scored on them, nothing learns from them."""
    names = ("cihp", "atr", "pascal")
    numbers = NetworkNumbers("efficientnet_lite0", width=0.05, features=16, low_level=8)
    network = build_network(numbers, [LABEL_SETS[name] for name in names])
    card = card_of(network, name="untrained", grapy="0", stage="joint", longest_side=128)
    save_weights(tmp_path / "w.safetensors", network.state_dict(), card)
    grapy(tmp_path, "prepare", "--dataset", ",".join(names), "--source", str(SAMPLES))
    report = grapy(tmp_path, "eval", "--weights", "w.safetensors", "--device", "cpu", "--json")
    found = {name: LABEL_SETS[name].num_parts for name in sorted(names)}
    check_report(report, found, photos=1)
