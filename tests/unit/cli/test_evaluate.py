"""`grapy eval` on masks: what is printed, and the exit codes."""

import json

import numpy as np
import pytest

from grapy_cli.cli.app import app
from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.labels import LABEL_SETS

PASCAL = LABEL_SETS["pascal"]


@pytest.fixture
def score(invoke, tmp_path):
    for folder, rows in {"pred": [[0, 1, 2, 2]], "truth": [[0, 1, 1, 2]]}.items():
        save_label_map(tmp_path / folder / "a.png", np.array(rows, np.uint8), PASCAL.palette())
    folders = ("--pred", "pred", "--truth", "truth", "--dataset", "pascal")
    return lambda *arguments: invoke(app, "eval", *folders, *arguments)


def test_the_table(score):
    result = score("--parts")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["pascal", "3", "66.67", "66.7-66.7", "83.33", "75.00", "77.78", "66.67"] in rows
    assert ["pascal", "3", PASCAL.names[1], "50.00", "50.00", "66.67", "50.00"] in rows
    assert ["pascal", "3", PASCAL.names[6], "-", "-", "-", "-"] in rows


def test_json_is_one_document_on_standard_output(score):
    result = score("--json")
    assert result.exit_code == 0, result.output
    results = json.loads(result.stdout)["results"]
    assert [row["level"] for row in results] == [3, 2, 1]
    assert set(results[0]["parts"][PASCAL.names[6]].values()) == {None}
    assert "NaN" not in result.stdout


def test_a_skipped_photo_is_said_and_exit_5(score, tmp_path):
    (tmp_path / "pred/a.png").unlink()
    result = score("--json")
    assert result.exit_code == 5
    assert "warning: pascal: a is skipped" in result.stderr
    [skipped] = json.loads(result.stdout)["results"][0]["skipped"]
    assert skipped["photo"] == "a"
    assert ["pascal", "3", *"------"] in [row.split() for row in score().stdout.splitlines()]
    assert json.loads(result.stdout)["results"][0]["mean_iou"] is None


def test_a_missing_folder_is_exit_3(score):
    assert score("--truth", "none").exit_code == 3


def write_mask(path, rows):
    save_label_map(path, np.array(rows, np.uint8), PASCAL.palette())


def test_a_score_that_fell_is_exit_8_and_is_named(score, tmp_path):
    write_mask(tmp_path / "pred/a.png", [[0, 1, 1, 2]])
    (tmp_path / "before.json").write_text(score("--json").stdout)
    held = ("--baseline", "before.json")
    assert "no score fell more than 0.005" in score(*held).stderr
    write_mask(tmp_path / "pred/a.png", [[0, 1, 2, 2]])
    fell = score(*held)
    assert fell.exit_code == 8
    assert "pascal level 3 (strict): mean_iou fell by 0.3333" in fell.stderr
    assert f"IoU fell most of {PASCAL.names[1]} by 0.5000" in fell.stderr
    assert "66.67" in fell.stdout  # what was scored is there to see
    assert score(*held, "--tolerance", "0.6").exit_code == 0


def test_a_baseline_of_other_photos_is_refused(score, tmp_path):
    (tmp_path / "before.json").write_text(score("--json").stdout)
    for folder in ("pred", "truth"):
        (tmp_path / folder / "a.png").rename(tmp_path / folder / "b.png")
    result = score("--baseline", "before.json")
    assert result.exit_code == 2
    assert "pascal: the list's sha256 is" in result.stderr


def test_below_the_table_stands_how_it_was_measured(score, tmp_path):
    write_mask(tmp_path / "pred/a.png", [[1, 1, 2, 0]])  # nowhere perfect, as in life
    lines = score("--protocol", "strict,reference").stdout.splitlines()
    assert "#1 pred" in lines
    assert "#2 pred, reference" in lines
    assert any(line.startswith("pascal masks: 1 of 1 photos, list ") for line in lines)
    assert any(line.startswith("grapy ") and "numpy" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_remap_without_masks_is_refused(invoke):
    result = invoke(app, "eval", "--remap", "densepose", "--dataset", "pascal")
    assert result.exit_code == 2
    assert "--remap needs --pred" in result.stderr
