import json

import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.weights.card_scores import read_scores


def test_every_score_is_kept_and_the_rest_is_not(evaluation, write):
    facts = read_scores(write("scores.json", evaluation))
    parts, _, person = facts["scores"]
    theirs = evaluation["results"][0]
    assert (parts["dataset"], parts["level"], person["level"]) == ("atr", 3, 1)
    assert parts["mean_iou"] == pytest.approx(theirs["mean_iou"], abs=1e-5)
    assert parts["interval"]["mean_iou"] == pytest.approx(theirs["interval"]["mean_iou"], abs=1e-5)
    assert parts["ece"] == pytest.approx(theirs["calibration"]["ece"], abs=1e-5)
    assert parts["list_sha256"] == "0f" * 32
    assert parts["skipped"] == 1
    for name, part in theirs["parts"].items():
        for key in ("iou", "accuracy"):
            assert parts["parts"][name][key] == pytest.approx(part[key], abs=1e-5)
    assert facts["protocol"] == {"split": "val", "weights_sha256": "ab" * 32}
    assert "bins" in json.dumps(evaluation)
    assert "bins" not in json.dumps(facts)


def test_what_is_no_evaluation_of_one_weights_file_is_refused(evaluation, write):
    two = evaluation["results"][0] | {"parser": "another"}
    for content in (
        "{",
        [],
        {"results": []},
        {key: value for key, value in evaluation.items() if key != "protocol"},
        evaluation | {"weights": {}},
        evaluation | {"results": [*evaluation["results"], two]},
    ):
        with pytest.raises(SettingsError, match=r"scores\.json cannot be used"):
            read_scores(write("scores.json", content))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.json"):
        read_scores(tmp_path / "none.json")
