"""Several weights, augmentations and protocols in one run, and what lies in its folder."""

import json
import shutil

import pytest
from pydantic import ValidationError

from grapy_cli.errors import BaselineError, SettingsError
from grapy_cli.evaluate.baseline import compare, read_baseline


def test_each_case_has_the_scores_it_has_alone(evaluate, weights):
    together = evaluate(
        [weights.looking, weights.background],
        "pascal",
        tta=["none", "flip"],
        protocol=["strict", "reference"],
    )
    names = ["tiny", f"tiny ({weights.background})"]
    assert [one["parser"] for one in together["parsers"]] == names
    assert len(together["results"]) == 2 * 2 * 2 * 3
    for name, file in zip(names, (weights.looking, weights.background), strict=True):
        alone = evaluate(file, "pascal", tta=["flip"])["results"]
        assert [
            result | {"parser": "tiny"}
            for result in together["results"]
            if (result["parser"], result["tta"], result["protocol"]) == (name, "flip", "strict")
        ] == alone


def test_settings_of_inference_serve_where_evaluation_has_none(evaluate, weights):
    assert evaluate(weights.looking, "pascal")["weights"]["file"] == "looking"
    assert evaluate([weights.background], "pascal")["weights"]["file"] == "background"


def test_the_folder_has_everything_and_a_second_run_changes_no_byte(evaluate, weights, tmp_path):
    def bytes_of_all():
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    found = evaluate(weights.looking, "atr", "pascal", out=tmp_path)
    first = bytes_of_all()
    names = {path.relative_to(tmp_path).as_posix() for path in first}
    assert {"scores.json", "photos.jsonl", "report.html", "scores.csv", "scores.md"} <= names
    assert json.loads((tmp_path / "scores.json").read_text()) == found
    assert evaluate(weights.looking, "atr", "pascal", out=tmp_path) == found
    assert bytes_of_all() == first
    shutil.rmtree(tmp_path / "masks")
    (tmp_path / "photos.jsonl").unlink()
    assert evaluate(weights.looking, "atr", "pascal", out=tmp_path) == found
    assert bytes_of_all() == first


def test_a_folder_that_cannot_be_written_is_said(evaluate, weights, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValidationError, match="is a file, and a folder is needed"):
        evaluate(weights.background, "atr", out=tmp_path / "file")


@pytest.fixture
def documents(evaluate, weights):
    """A report, and a copy of it to be made a baseline of."""
    document = evaluate(weights.looking, "atr", "pascal")
    return document, json.loads(json.dumps(document))


def test_equal_scores_are_none_that_fell(documents):
    assert "no score fell" in compare(*documents, 0.0)


def test_scores_that_fell_are_named_with_the_parts_that_fell_most(documents):
    document, baseline = documents
    then = baseline["results"][0]
    then["mean_iou"] += 0.02
    for fall, part in ((0.5, "hair"), (0.4, "face"), (0.1, "hat"), (0.05, "bag")):
        then["parts"][part]["iou"] = (then["parts"][part]["iou"] or 0) + fall
    assert "no score fell" in compare(document, baseline, 0.03)
    with pytest.raises(BaselineError) as caught:
        compare(document, baseline, 0.005)
    [line] = caught.value.message.splitlines()
    assert line.startswith("atr level 3 (none, strict): mean_iou fell by 0.0200")
    assert line.endswith("IoU fell most of hair by 0.5000, face by 0.4000, hat by 0.1000")
    baseline["results"][0]["mean_iou"] -= 0.04  # better is no fall
    assert "no score fell" in compare(document, baseline, 0.005)


def test_a_score_there_is_no_longer_fell(documents):
    document, baseline = documents
    document["results"][0]["mean_f1"] = None
    baseline["results"][0]["mean_f1"] = 0.4
    with pytest.raises(BaselineError, match=r"mean_f1 fell by 0\.4000"):
        compare(document, baseline, 0.005)


def test_what_was_measured_otherwise_is_refused_with_what_differs(documents):
    document, baseline = documents
    baseline["protocol"]["data"]["atr"]["list_sha256"] = "other"
    baseline["results"][0]["photos"] = 3
    baseline["parsers"][0]["longest_side"] = 99
    del baseline["results"][-1]
    with pytest.raises(SettingsError) as caught:
        compare(document, baseline, 0.005)
    said = caught.value.message
    assert "atr: photos scored is 2 now, 3 in the baseline" in said
    assert "the list's sha256" in said
    assert "longest side is" in said
    assert "pascal level 1 (none, strict): the baseline has no such result" in said


def test_a_baseline_of_several_weights_is_none(documents):
    document, baseline = documents
    baseline["results"] += baseline["results"]
    with pytest.raises(SettingsError, match="holds several weights"):
        compare(document, baseline, 0.005)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": [3], "protocol": {}}', None])
def test_what_is_no_baseline_is_said_before_anything_is_scored(tmp_path, text):
    if text is not None:
        (tmp_path / "b.json").write_text(text)
    with pytest.raises(SettingsError, match="cannot be used"):
        read_baseline(tmp_path / "b.json")
