"""Every script in `examples` runs and says what to look at."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.weights import read_card
from tests.support.command_line import ROOT, plain_environment, run_python, write_program
from tests.support.networks import write_weights
from tests.support.training import prepare_tiny

EXAMPLES = ROOT / "examples"
PHOTOS = sorted((EXAMPLES / "photos").glob("*.*g"))
RECIPE = "grapy-lite"
"""Hours of training, of which tests/unit/settings/test_recipes.py tries the commands."""


def run_example(name: str, *arguments: object, folder: Path) -> str:
    done = run_python(str(EXAMPLES / name), *map(str, arguments), folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with `grapy` as it is here, for scripts to find."""
    folder = tmp_path_factory.mktemp("bin")
    write_program(folder)
    return folder


@pytest.fixture
def start(programs, tmp_path):
    """Start a shell script as a person does: `start("four_gpus.sh", "--epochs", 1, GPUS="2")`."""
    weights = write_weights(tmp_path / "tiny.safetensors", ["cihp", "atr", "pascal"])
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    more = {"PATH": path, "OMP_NUM_THREADS": "1", "GRAPY_INFER__WEIGHTS": str(weights)}

    def start(name: str, *arguments: object, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            ["sh", str(EXAMPLES / name), *map(str, arguments)],
            cwd=tmp_path,
            env=plain_environment(**(more | environment)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def end(process: subprocess.Popen) -> str:
    said, talked = process.communicate(timeout=150)
    assert process.returncode == 0, talked
    return said


@pytest.fixture
def photos(tmp_path):
    """Those of the examples, small."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in PHOTOS:
        with Image.open(path) as large:
            large.convert("RGB").resize((64, 64)).save(folder / path.name)
    assert len(list(folder.iterdir())) == len(PHOTOS)
    return folder


def test_a_photo_in_the_shell(start, tmp_path):
    said = end(start("parse_a_photo.sh", GRAPY_INFER__WEIGHTS=""))  # those of the package
    assert "Look at parsed/overlay" in said
    with Image.open(tmp_path / "parsed/atr/astronaut.png") as mask:
        names = {LABEL_SETS["atr"].names[part] for part in np.unique(np.array(mask))}
    assert {"face", "hair"} <= names
    assert json.loads((tmp_path / "parsed/summary/astronaut.json").read_text())


def test_a_folder_in_the_shell(start, photos, tmp_path):
    said = end(start("parse_a_folder.sh", photos))
    assert f"{len(PHOTOS)} parsed-folder/manifest.jsonl" in said
    page = (tmp_path / "parsed-folder/gallery.html").read_text()
    assert all(path.name in page for path in photos.iterdir())


def test_an_own_label_set(start, photos, tmp_path):
    recipe = ("--config", ROOT / "tests/support/debug.toml", "--epochs", 1)
    end(start("own_label_set.sh", photos, *recipe))
    assert len(list((tmp_path / "own-masks/overlay").iterdir())) == len(PHOTOS)
    assert (tmp_path / "runs/own/last/weights.safetensors").exists()


def test_masks_of_another_tool(start, tmp_path):
    for folder in ("masks", "truth"):  # ids 0 and 1 mean the same in both orders
        save_label_map(tmp_path / folder / "a.png", np.array([[0, 1]], np.uint8), [0] * 768)
    said = end(start("score_other_masks.sh", "masks", "truth"))
    assert "100.00" in said
    assert (tmp_path / "scores/report.html").exists()


def test_masks_for_a_try_on(start, photos, tmp_path):
    said = end(start("try_on_masks.sh", photos))
    assert "upper" in said
    masks = list((tmp_path / "image-parse-v3").glob("*.png"))
    assert len(masks) == len(PHOTOS)
    assert all(np.array(Image.open(mask)).max() < 13 for mask in masks)


def test_from_nothing_to_a_mask(start, tmp_path):
    end(start("synthetic_to_mask.sh", "--epochs", 1, "--batch-size", 2, COUNT="6"))
    assert (tmp_path / "masks-synthetic/contact-sheet.png").exists()
    assert (tmp_path / "runs/synthetic/curves.svg").exists()


def test_a_small_network_out_of_a_large_one(start, photos, tmp_path):
    """The teacher parses in ATR, the student learns CIHP's parts."""
    teacher = write_weights(tmp_path / "teacher.safetensors", ["atr"], longest_side=32)
    recipe = str(ROOT / "tests/support/debug.toml")
    said = end(start("distil.sh", photos, teacher, "cihp", "runs/mine", RECIPE=recipe))
    assert "Compare it: grapy bench" in said
    card = read_card(tmp_path / "runs/mine/distilled.safetensors")
    assert [labels.name for labels in card.load_label_sets()] == ["cihp"]


def test_four_gpus_as_two_processes(start, tmp_path):
    data = prepare_tiny(tmp_path / "data", "pascal")
    recipe = ("--config", ROOT / "tests/support/debug.toml", "--data", data, "--batch-size", 4)
    said = end(start("four_gpus.sh", *recipe, "--dry-run", GPUS="2"))
    assert (
        said.count("2 of 4 photos") == 2
    )  # the script asks first, and the run is a dry one as well
    assert not (tmp_path / "runs").exists()


def test_two_machines_as_two_launchers(start, tmp_path):
    data = prepare_tiny(tmp_path / "data", "pascal")
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        place = {"MAIN": "localhost", "PORT": str(probe.getsockname()[1]), "GPUS": "1"}
    recipe = ("--config", ROOT / "tests/support/debug.toml", "--data", data, "--batch-size", 4)
    both = [start("two_machines.sh", *recipe, **place, NODE=node) for node in "01"]
    for process in both:
        end(process)
    assert (tmp_path / "runs/joint-two/last/weights.safetensors").exists()


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.sh")), ids=lambda path: path.name)
def test_every_script_is_run_here(script):
    if script.stem != RECIPE:
        assert f'start("{script.name}"' in Path(__file__).read_text()


def test_parse_a_photo(tmp_path):
    weights = write_weights(tmp_path / "w.safetensors", ["atr", "pascal"])
    photo = tmp_path / "small.png"
    with Image.open(EXAMPLES / "photos/astronaut.png") as large:
        large.resize((64, 64)).save(photo)
    said = run_example(
        "parse_a_photo.py", photo, "--weights", weights, "--dataset", "pascal", folder=tmp_path
    )
    assert "Look at parsed/overlay.png" in said
    with Image.open(tmp_path / "parsed/mask.png") as mask:
        assert mask.size == (64, 64)
        names = [LABEL_SETS["pascal"].names[part] for part in np.unique(np.array(mask))]
    assert all(name in said for name in names)


def test_evaluate_masks(tmp_path):
    labels = LABEL_SETS["pascal"]
    for name, part in {"good.png": 1, "bad.png": 2}.items():
        for folder, value in {"truth": 1, "pred": part}.items():
            rows = np.array([[0, value]], np.uint8)
            save_label_map(tmp_path / folder / name, rows, labels.palette())
    said = run_example("evaluate_masks.py", "pred", "truth", "--dataset", "pascal", folder=tmp_path)
    assert "2 photos" in said
    assert "pixel accuracy 0.7500" in said
    assert "Look first at bad.png (0.50), good.png (1.00)" in said


@pytest.fixture
def release(tmp_path):
    """Two photos as PASCAL-Person-Part has them: a person who fills the middle, and nobody."""
    folder = tmp_path / "raw"
    for kind in ("JPEGImages", "SegmentationPart", "person", "list"):
        (folder / kind).mkdir(parents=True)
    (folder / "list/train_id.txt").write_text("person\nlawn\n")
    parts = np.zeros((90, 120), np.uint8)
    parts[20:80, 40:80] = 2
    for key, parts_of_key in (("person", parts), ("lawn", parts * 0)):
        Image.new("RGB", (120, 90), "green").save(folder / f"JPEGImages/{key}.jpg")
        Image.fromarray(parts_of_key).save(folder / f"SegmentationPart/{key}.png")
        Image.fromarray(np.minimum(parts_of_key, 1)).save(folder / f"person/{key}.png")
    return folder


def test_labels_are_mended_by_what_people_saw(release, tmp_path):
    linked = (release / "person/person.png").rename(tmp_path / "person.png")
    (release / "person/person.png").symlink_to(linked)
    (tmp_path / "table.toml").write_text(
        "nobody = ['lawn', 'elsewhere']\n[objects]\nperson = [[0.5, 0.5, 0.1, 0.1]]\n[unknown]\n"
    )
    run_example("mend_labels.py", release, "table.toml", folder=tmp_path)
    for kind, person in (("SegmentationPart", 2), ("person", 1)):
        mended = np.array(Image.open(release / f"{kind}/person.png"))
        assert list(mended[45, [60, 68, 73, 78, 90]]) == [0, 0, 255, person, 0]
    assert np.array(Image.open(linked))[45, 60] == 1


def test_pasted_objects_are_background(release, tmp_path):
    (tmp_path / "objects").mkdir()
    Image.new("RGBA", (30, 30), "red").save(tmp_path / "objects/ball.png")
    options = ("--objects", "objects", "--seed", 3)
    run_example("paste_objects.py", "with-people", release, *options, folder=tmp_path)
    run_example("paste_objects.py", "nobody", release, *options, "--nobody", 2, folder=tmp_path)
    photo = np.array(Image.open(tmp_path / "with-people/JPEGImages/person.jpg")).astype(int)
    parts = np.array(Image.open(tmp_path / "with-people/SegmentationPart/person.png"))
    covered = photo[..., 0] > photo[..., 1] + 60
    assert 0 < covered[20:80, 40:80].sum() < covered[20:80, 40:80].size
    assert not parts[covered].any()
    assert (parts == 2).sum() > 0
    ran = run_python(
        *("-m", "grapy_cli", "prepare", "--dataset", "pascal", "--source", "nobody"),
        folder=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    keys = (tmp_path / "data/pascal/splits/train.txt").read_text().split()
    assert keys == ["nobody_0000", "nobody_0001"]
    assert not np.array(Image.open(tmp_path / "nobody/person/nobody_0000.png")).any()


def test_every_photo_is_credited():
    rows = re.findall(r"^\| `(.+?)` \|", (EXAMPLES / "photos/CREDITS.md").read_text(), re.MULTILINE)
    assert rows == [path.name for path in PHOTOS]
