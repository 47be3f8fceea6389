"""Every script in `examples` runs and says what to look at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.files import save_label_map
from grapy_cli.labels import LABEL_SETS
from tests.support.command_line import ROOT, run_python
from tests.support.networks import write_weights

EXAMPLES = ROOT / "examples"


def run_example(name: str, *arguments: object, folder: Path) -> str:
    done = run_python(str(EXAMPLES / name), *map(str, arguments), folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


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


@pytest.mark.parametrize("photo", ["astronaut.png", "cameraman.png", "grace_hopper.jpg"])
def test_every_photo_is_credited(photo):
    assert (EXAMPLES / "photos" / photo).exists()
    assert f"`{photo}`" in (EXAMPLES / "photos/CREDITS.md").read_text()
