"""`grapy eval` on masks: what is printed, and the exit codes."""

import json

import numpy as np
import pytest

from grapy_cli.cli.app import app
from grapy_cli.data.files import save_label_map
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
    assert ["pascal", "3", "66.67", "66.7-66.7", "83.33", "75.00", "77.78", "66.67", "1"] in rows
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
    assert json.loads(result.stdout)["results"][0]["mean_iou"] is None


def test_a_missing_folder_is_exit_3(score):
    assert score("--truth", "none").exit_code == 3
