"""The recipe of the embedded weights says nothing that cannot be set."""

import os
import subprocess
import sys
import tomllib

import pytest

from grapy_cli.settings.layers import resolve
from tests.support.command_line import ROOT, plain_environment

EXAMPLES = ROOT / "examples"
SHOW = f"""#!/bin/sh
echo "$@" >> calls
[ "$1" != train ] || "{sys.executable}" -m grapy_cli "$@" --show-settings > "$5.toml"
"""
NOTE = """#!/bin/sh
echo "python ${1##*/}" >> calls
"""
PREPARED = ["prepare"] * 4 + ["python"] + ["prepare"] * 3 + ["python", "python"] + ["prepare"] * 2
ORDER = [*["train", "train", "weights"] * 2, *["train"] * 3, "weights"]
ORDER += ["train", "train", "weights", "weights"]
WILD = ("coco_01", "coco_02", "voc_01", "lspet_01", "lspet_02")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the recipe ran, with a `grapy` that shows the settings instead of doing anything."""
    folder = tmp_path_factory.mktemp("recipe")
    for name in ("runs", "wild_people/splits", "coco128/photos", "coco128/person"):
        (folder / name).mkdir(parents=True)
    (folder / "wild_people/splits/train.txt").write_text("\n".join(WILD) + "\n")
    (folder / "held-out.txt").write_text("coco_02\n")
    for number in range(5):
        (folder / f"coco128/photos/{number}.jpg").touch()
    for name, program in {"grapy": SHOW, "python": NOTE}.items():
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)
    ran = subprocess.run(
        ["sh", str(EXAMPLES / "grapy-lite.sh"), "encoder.safetensors", "teacher.safetensors"],
        cwd=folder,
        env=plain_environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def calls(folder):
    return [line.split() for line in (folder / "calls").read_text().splitlines()]


def test_everything_is_prepared_before_it_is_trained_on(folder, calls):
    assert [call[0] for call in calls] == PREPARED + ORDER
    scripts = [call[1] for call in calls if call[0] == "python"]
    assert scripts == ["mend_labels.py", "paste_objects.py", "paste_objects.py"]
    roots = [call[call.index("--data") + 1] for call in calls if "--data" in call]
    for run, used in {"grapy-lite": roots[:4], "grapy-lite-garments": roots}.items():
        data = tomllib.loads((folder / f"runs/{run}.toml").read_text())["data"]
        assert set(data["more"]) == set(used)
        assert len(data["more_shares"]) == len(used)
        assert [call[2] for call in calls[:3]] == data["dataset"]
    starts = [call[call.index("--init") + 1] for call in calls if call[0] == "train"]
    assert starts == [
        "encoder.safetensors",
        "runs/grapy-lite/last",
        "grapy-lite-mixed.safetensors",
        "runs/grapy-lite-tagged/last",
        "runs/grapy-lite-last/last",
        "runs/grapy-lite-objects/last",
        "runs/grapy-lite-large/last",
        "grapy-lite-seventh.safetensors",
        "runs/grapy-lite-close/last",
    ]
    packed = [call[2] for call in calls if call[0] == "weights"]
    runs = ("grapy-lite-street", "grapy-lite-last", "grapy-lite-nobody", "grapy-lite-garments")
    assert packed == [*(f"runs/{run}/last" for run in runs), "grapy-lite-ninth.safetensors"]


def test_photos_kept_for_scoring_are_not_trained_on(folder):
    listed = {
        origin: (folder / f"raw-{origin}/list/train_id.txt").read_text().split()
        for origin in ("coco", "voc", "lspet", "coco128")
    }
    assert listed == {
        "coco": ["coco_01"],
        "voc": ["voc_01"],
        "lspet": ["lspet_01", "lspet_02"],
        "coco128": ["0", "2", "4"],
    }
    assert (folder / "raw-coco/person/coco_01.png").is_symlink()


def test_every_run_builds_the_same_network(folder):
    runs = [tomllib.loads(file.read_text()) for file in (folder / "runs").glob("*.toml")]
    assert len(runs) == 9
    assert all(run["model"] == runs[0]["model"] for run in runs)


@pytest.mark.parametrize("name", ["grapy-lite", "grapy-lite-tagged"])
def test_the_file_has_every_ingredient(name):
    settings = resolve(config=EXAMPLES / f"{name}.toml", stage_rows=True).settings
    train, augment = settings.train, settings.train.augment
    shares = (augment.copy_paste, augment.occlude, augment.focus, augment.color, augment.blur)
    assert all(shares)
    assert augment.backgrounds
    assert augment.rotate
    assert train.ema
    assert train.loss.balance
    assert settings.data.share_labels
    assert settings.model.backbone == "movenet_thunder"
