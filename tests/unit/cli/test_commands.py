import json

import pytest

from grapy_cli.cli.app import app
from grapy_cli.labels import LABEL_SETS


def test_labels_lists_the_label_sets(invoke):
    lines = invoke(app, "labels").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        [name, str(labels.num_parts)] for name, labels in LABEL_SETS.items()
    ]


def test_labels_shows_parts_with_group_and_mirror(invoke):
    lines = invoke(app, "labels", "atr").stdout.splitlines()
    assert ["10", "right-shoe", "#553300", "legs", "left-shoe"] in [line.split() for line in lines]


def test_labels_as_json_is_the_table(invoke):
    assert json.loads(invoke(app, "labels", "atr", "--json").stdout) == LABEL_SETS["atr"].to_dict()
    assert len(json.loads(invoke(app, "labels", "--json").stdout)) == len(LABEL_SETS)


def test_labels_of_an_unknown_set(invoke):
    result = invoke(app, "labels", "atrr")
    assert result.exit_code == 3
    assert "Did you mean atr?" in result.stderr


def test_predict_wants_a_photo(invoke):
    result = invoke(app, "predict", "--dataset", "atr")
    assert result.exit_code == 2
    assert "no photo is named" in result.stderr


def test_predict_shows_settings_without_a_photo(invoke):
    assert (
        "levels = [2]  # --levels"
        in invoke(app, "predict", "--levels", "2", "--show-settings").stdout
    )


@pytest.mark.parametrize("option", ["--pred", "--truth"])
def test_eval_wants_both_folders_or_none(invoke, option):
    result = invoke(app, "eval", option, "masks")
    assert result.exit_code == 2
    assert "belong together" in result.stderr


def test_train_has_no_weights_option(invoke):
    assert invoke(app, "train", "--weights", "w").exit_code == 2


def test_weights_info_of_a_missing_file(invoke):
    assert invoke(app, "weights", "info", "none.safetensors").exit_code == 4


def test_doctor_finds_what_the_tests_need(invoke):
    result = invoke(app, "doctor")
    assert result.exit_code == 0, result.stdout
    for word in ("grapy", "python", "torch", "numpy", "pillow", "opencv", "CUDA", "free disk"):
        assert word in result.stdout
