"""`grapy predict` with tiny weights."""

import numpy as np
import pytest
from PIL import Image

from grapy_cli.cli.app import app
from tests.support.networks import write_weights


@pytest.fixture
def predict(invoke, tmp_path):
    weights = write_weights(tmp_path / "w.safetensors", ["pascal"])
    Image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(tmp_path / "a.jpg")
    return lambda *arguments, **more: invoke(
        app, "predict", *arguments, "--weights", str(weights), "--device", "cpu", **more
    )


def test_a_photo_gets_its_mask(predict, tmp_path):
    result = predict("a.jpg", "--out", "m")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "m/a.png").exists()
    assert "a.jpg -> a.png" in result.stderr
    assert result.stdout == ""


def test_the_line_of_many_files_is_short(predict):
    result = predict("a.jpg", "--levels", "3,2,1", "--save", "mask,overlay,color")
    assert "a.jpg -> pascal/a.png +8 more" in result.stderr


def test_a_broken_photo_is_exit_5_and_the_others_are_done(predict, tmp_path):
    (tmp_path / "b.jpg").write_text("hello")
    result = predict("b.jpg", "a.jpg", "--out", "m")
    assert result.exit_code == 5
    assert "failed: b.jpg: " in result.stderr
    assert (tmp_path / "m/a.png").exists()
    assert (tmp_path / "m/failures.jsonl").exists()


def test_a_photo_through_standard_input(predict, tmp_path):
    result = predict("-", "--out", "m", input=(tmp_path / "a.jpg").read_bytes())
    assert result.exit_code == 0, result.output
    assert (tmp_path / "m/stdin.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["none.jpg"], 2),
        (["a.jpg", "--dataset", "atr"], 3),
        (["a.jpg", "--out", "a.jpg"], 2),
        (["a.jpg", "--out", "a.jpg/m"], 2),
    ],
)
def test_exit_codes(predict, arguments, code):
    result = predict(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output


def test_a_dry_run_lists_what_would_be_done(predict, tmp_path):
    result = predict("a.jpg", "--out", "m", "--dry-run")
    assert result.exit_code == 0, result.output
    assert result.stdout == "to do  a.jpg -> a.png\n"
    assert not (tmp_path / "m").exists()
    predict("a.jpg", "--out", "m")
    assert predict("a.jpg", "--out", "m", "--dry-run").stdout == "done   a.jpg -> a.png\n"


def test_several_processes_cannot_share_standard_input(predict, tmp_path):
    result = predict("-", "--gpus", "2", input=(tmp_path / "a.jpg").read_bytes())
    assert result.exit_code == 2
    assert "@list.txt" in result.stderr
