"""Disks that are full or closed: a sentence, the right code, and nothing half written."""

import json

import pytest
from PIL import Image

from grapy_cli.data.layout import PreparedDataset
from tests.support.command_line import ROOT, run_grapy
from tests.support.faulty_disk import is_possible, run_on_disks
from tests.support.networks import write_weights
from tests.support.training import prepare_tiny

pytestmark = pytest.mark.skipif(not is_possible(), reason="this system lets nobody mount disks")

RECIPE = str(ROOT / "tests/support/debug.toml")
COMMANDS = {
    "prepare": ["prepare", "--source", "raw", "--dataset", "pascal", "--data", "disk"],
    "train": [
        *("train", "--config", RECIPE, "--data", "data", "--dataset", "pascal"),
        *("--out", "disk/run"),
    ],
    "eval": [
        *("eval", "--data", "data", "--dataset", "pascal", "--weights", "w.safetensors"),
        *("--out", "disk/scores", "--threads", "1"),
    ],
    "predict": [
        *("predict", "data/pascal/images", "--dataset", "pascal", "--weights", "w.safetensors"),
        *("--out", "disk/masks", "--threads", "1"),
    ],
    "weights": ["weights", "pack", "w.safetensors", "--out", "disk/packed.safetensors"],
    "bench": [
        *("bench", "data/pascal/images", "--weights", "w.safetensors", "--repeats", "1"),
        *("--threads", "1"),
    ],
}
ROOM = {"prepare": "48k", "train": "40k", "eval": "20k", "predict": "20k", "weights": "40k"}
ROOM |= {"bench": "16k"}
CODES = {"prepare": 3, "train": 4, "eval": 5, "predict": 5, "weights": 4, "bench": 2}

CLOSED = [name for name in ROOM if name != "bench"]  # which takes another temporary folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    prepare_tiny(folder / "data", "pascal", photos=12)
    (folder / "data" / "raw").rename(folder / "raw")
    write_weights(folder / "w.safetensors", ["pascal"])
    return folder


@pytest.fixture(scope="module")
def ended(folder):
    full = {f"full {name}": (f"size={ROOM[name]}", COMMANDS[name]) for name in ROOM}
    closed = {f"closed {name}": ("ro", COMMANDS[name]) for name in CLOSED}
    return run_on_disks(folder, full | closed)


@pytest.mark.parametrize("name", ROOM)
def test_a_full_disk_is_said(ended, name):
    code, said, _ = ended[f"full {name}"]
    assert code == CODES[name]
    assert "Traceback" not in said
    assert "No space left on device" in said


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_folder_is_said(ended, name):
    code, said, kept = ended[f"closed {name}"]
    assert code == CODES[name]
    assert "Traceback" not in said
    assert "Read-only file system" in said
    assert not list(kept.iterdir())


@pytest.mark.parametrize("name", ROOM)
def test_nothing_is_half_written(ended, name):
    files = [path for path in ended[f"full {name}"].kept.rglob("*") if path.is_file()]
    assert not [path for path in files if path.name.endswith(".part") and ".jsonl" not in path.name]
    for path in files:
        if path.suffix in (".png", ".jpg"):
            with Image.open(path) as picture:
                picture.load()
        if path.name == "manifest.jsonl":
            assert all(json.loads(line) for line in path.read_text().splitlines())
    assert not [path for path in files if path.suffix == ".safetensors"]
    assert not [path for path in files if path.name in ("dataset.json", "scores.json")]


def test_with_room_again_the_same_command_goes_on(folder, ended):
    kept = ended["full predict"].kept
    some = masks_of(kept)
    assert 0 < len(some) < 12
    command = [str(kept / "masks") if one == "disk/masks" else one for one in COMMANDS["predict"]]
    ran = run_grapy(*command, folder=folder)
    assert ran.returncode == 0, ran.stderr
    masks = masks_of(kept)
    assert len(masks) == 12
    assert some.items() <= masks.items()


def test_a_data_set_goes_on_where_the_room_ended(folder, ended):
    kept = ended["full prepare"].kept
    ran = run_grapy(*COMMANDS["prepare"][:-1], str(kept), folder=folder)
    assert ran.returncode == 0, ran.stderr
    assert PreparedDataset.open(kept / "pascal").splits == {"train": 9, "val": 3}


def masks_of(kept):
    return {path.name: path.read_bytes() for path in (kept / "masks").glob("*.png")}
