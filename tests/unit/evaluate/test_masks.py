"""`grapy eval --pred --truth`: masks that any tool wrote."""

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.files import save_label_map
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.evaluate.run import run_evaluate_masks
from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.parser import HumanParser
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, EvaluateSettings
from grapy_cli.settings.settings import Settings

PASCAL = LABEL_SETS["pascal"]


@pytest.fixture
def folders(tmp_path):
    """Three photos' truths, and masks that are right but for one pixel."""
    for name in ("a.png", "deep/a.png", "deep/b.png"):
        write(tmp_path / "truth" / name, [[0, 1, 2], [3, 4, 255]])
        write(tmp_path / "pred" / name, [[0, 1, 2], [3, 4, 5]])
    write(tmp_path / "pred/a.png", [[0, 1, 2], [3, 0, 5]])
    return tmp_path


def write(path, rows):
    save_label_map(path, np.array(rows, np.uint8), PASCAL.palette())


def score(folders, *names, report=silence, **more):
    settings = Settings(
        data=DataSettings(dataset=list(names or ["pascal"])), evaluate=EvaluateSettings(**more)
    )
    pred, truth = folders / "pred", folders / "truth"
    return run_evaluate_masks(pred, truth, settings, report).to_json()


def test_masks_are_matched_by_their_paths_and_ignored_pixels_left_out(folders):
    report = score(folders)
    result = report["results"][0]
    assert (result["dataset"], result["split"], result["level"]) == ("pascal", None, 3)
    assert (result["photos"], result["skipped"]) == (3, [])
    assert result["pixel_accuracy"] == pytest.approx(14 / 15)
    assert result["parts"][PASCAL.names[4]]["iou"] == pytest.approx(2 / 3)
    assert result["parts"][PASCAL.names[5]] == dict.fromkeys(
        ("iou", "accuracy", "f1", "boundary_iou")
    )
    assert report["protocol"]["truth"] == str(folders / "truth")


def test_grey_masks_are_as_good(folders):
    Image.fromarray(np.array([[0, 1, 2], [3, 0, 5]], np.uint8)).save(folders / "pred/a.png")
    assert score(folders)["results"][0]["pixel_accuracy"] == pytest.approx(14 / 15)


def test_what_does_not_fit_is_skipped_under_its_own_path(folders):
    (folders / "pred/a.png").unlink()
    write(folders / "pred/deep/a.png", [[0, 1]])
    write(folders / "pred/more.png", [[0]])  # without a truth: passed over
    write(folders / "truth/good.png", [[0, 6]])
    write(folders / "pred/good.png", [[0, 6]])
    result = score(folders)["results"][0]
    assert result["photos"] == 2
    reasons = {row["photo"]: row["reason"] for row in result["skipped"]}
    assert list(reasons) == ["a", "deep/a"]
    assert "there is no mask" in reasons["a"]
    assert reasons["deep/a"] == "the mask is 2x1 pixels, the truth 3x2"


def test_an_id_outside_is_skipped_unless_the_truth_ignores_it(folders):
    write(folders / "pred/deep/a.png", [[7, 1, 2], [3, 4, 5]])
    write(folders / "pred/deep/b.png", [[0, 1, 2], [3, 4, 99]])
    result = score(folders)["results"][0]
    assert result["photos"] == 2
    [skipped] = result["skipped"]
    assert skipped["photo"] == "deep/a"
    assert "ids 7 lie outside the 7 parts" in skipped["reason"]


def test_colours_are_no_ids(folders):
    Image.new("RGB", (3, 2)).save(folders / "pred/a.png")
    [skipped] = score(folders)["results"][0]["skipped"]
    assert "neither grey nor indexed" in skipped["reason"]


@pytest.mark.parametrize("names", [[], ["atr", "pascal"]])
def test_exactly_one_label_set(folders, names):
    settings = Settings(data=DataSettings(dataset=names))
    with pytest.raises(SettingsError, match="exactly one"):
        run_evaluate_masks(folders / "pred", folders / "truth", settings, silence)


def test_there_must_be_something_to_score(folders):
    settings = Settings(data=DataSettings(dataset=["pascal"]))
    with pytest.raises(DatasetError, match="there is no folder"):
        run_evaluate_masks(folders / "none", folders / "truth", settings, silence)
    (folders / "empty").mkdir()
    with pytest.raises(DatasetError, match="no label maps"):
        run_evaluate_masks(folders / "pred", folders / "empty", settings, silence)


def test_stored_masks_have_the_score_of_the_parser(evaluate, weights, prepared, tmp_path):
    """`predict`, then `eval --pred`, gives what `eval` gives, to the last digit."""
    [direct, *_] = evaluate(weights.looking, "pascal")["results"]
    parser = HumanParser.load(weights.looking, device="cpu")
    for key in (prepared / "pascal/splits/val.txt").read_text().split("\n")[:-1]:
        parser.parse(prepared / f"pascal/images/{key}.jpg", "pascal").save_mask(
            tmp_path / f"pred/{key}.png"
        )
        (tmp_path / "truth").mkdir(exist_ok=True)
        (tmp_path / f"truth/{key}.png").symlink_to(prepared / f"pascal/labels/level3/{key}.png")
    [stored, *_] = score(tmp_path)["results"]
    of_masks = {"split": None, "parser": "pred", "tta": None, "calibration": None}
    assert stored == direct | of_masks
