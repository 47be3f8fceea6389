"""`grapy eval --pred --truth`: masks that any tool wrote."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.evaluate.masks import MaskFolders
from grapy_cli.evaluate.records import Case, PhotoScore
from grapy_cli.evaluate.report.images import look_at_masks
from grapy_cli.evaluate.run import run_evaluate_masks, to_text
from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.inference.parser import HumanParser
from grapy_cli.labels import LABEL_SETS
from grapy_cli.runtime.reporting import Warned, silence
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
    return json.loads(to_text(run_evaluate_masks(pred, truth, settings, report)))


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


def test_gray_masks_are_as_good(folders):
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
    assert "one too high" in skipped["reason"]


def test_colors_that_name_no_part_are_refused(folders):
    Image.new("RGB", (3, 2), (9, 99, 9)).save(folders / "pred/a.png")
    [skipped] = score(folders)["results"][0]["skipped"]
    assert "colors that name no part: [[9, 99, 9]]" in skipped["reason"]
    assert "Save ids as an 8-bit" in skipped["reason"]


def as_colors(path):
    with Image.open(path) as picture:
        picture.convert("RGB").save(path)


def in_another_order(path):
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(8).save(path)


def as_16_bits(path):
    Image.fromarray(np.array(Image.open(path)).astype(np.uint16)).save(path)


@pytest.mark.parametrize("change", [as_colors, in_another_order, as_16_bits])
def test_masks_that_any_tool_stores_have_one_score(folders, change):
    expected = score(folders)["results"][0]
    for path in (folders / "pred").rglob("*.png"):
        change(path)
    assert score(folders)["results"][0] == expected


def test_how_masks_were_read_is_said_once(folders):
    for path in (folders / "pred").rglob("*.png"):
        write(path, [[0, 1, 2], [3, 4, 5]])
        in_another_order(path)
    events = []
    score(folders, report=events.append)
    [said] = [event.text for event in events if isinstance(event, Warned)]
    assert "read by its colors (files: 3)" in said


def rename_masks(folders):
    for path in list((folders / "pred").rglob("*.png")):
        path.rename(path.with_name(f"{path.stem}_mask.PNG"))


def rename_truths(folders):
    for path in list((folders / "truth").rglob("*.png")):
        path.rename(path.with_suffix(".PNG"))


def leave_clutter(folders):
    for name in ("truth/._a.png", "truth/.DS_Store", "pred/deep/Thumbs.db", "pred/._a.png"):
        (folders / name).write_bytes(b"\0")


@pytest.mark.parametrize("change", [rename_masks, rename_truths, leave_clutter])
def test_names_match_as_in_every_command(folders, change):
    expected = score(folders)["results"][0]
    change(folders)
    assert score(folders)["results"][0] == expected


def test_accents_match_however_they_are_written(folders):
    write(folders / "truth/e\u0301.png", [[0, 1]])
    write(folders / "pred/\u00e9.png", [[0, 1]])
    assert score(folders)["results"][0]["photos"] == 4


def test_two_masks_of_one_name_are_skipped(folders):
    write(folders / "pred/a.PNG", [[0, 1, 2], [3, 0, 5]])
    [skipped] = score(folders)["results"][0]["skipped"]
    assert "a.PNG and a.png have one name" in skipped["reason"]


@pytest.mark.parametrize(
    ("name", "why"), [("a.npy", "arrays are not read"), ("a.jpg", "JPEG changes ids")]
)
def test_other_formats_are_refused_with_the_reason(folders, name, why):
    (folders / "pred/a.png").rename(folders / "pred" / name)
    [skipped] = score(folders)["results"][0]["skipped"]
    assert skipped["photo"] == "a"
    assert why in skipped["reason"]


def test_masks_without_a_truth_are_counted_and_said(folders):
    write(folders / "pred/more.png", [[0]])
    write(folders / "pred/deep/more.png", [[0]])
    events = []
    report = score(folders, report=events.append)
    assert report["protocol"]["masks_without_truth"] == 2
    assert any("2 masks have no label map" in str(event) for event in events)


def test_a_remap_reads_the_ids_of_another_tool(folders):
    """DensePose's 2 is the torso, 22 a lower arm, 24 the head; 255 where nothing counts."""
    shutil.rmtree(folders / "truth/deep")
    truth = [PASCAL.names.index(name) for name in ("torso", "lower-arm", "head")]
    write(folders / "truth/a.png", [[*truth, 255]])
    write(folders / "pred/a.png", [[2, 22, 24, 255]])
    report = score(folders, remap="densepose")
    assert report["protocol"]["remap"] == "densepose"
    assert (report["results"][0]["photos"], report["results"][0]["mean_iou"]) == (1, 1)


def test_an_id_the_other_tool_has_not_is_skipped(folders):
    write(folders / "pred/a.png", [[0, 1, 2], [3, 40, 99]])
    [skipped] = score(folders, remap="densepose")["results"][0]["skipped"]
    assert skipped["photo"] == "a"
    assert "id 40 lies outside the 25 labels of the masks' order" in skipped["reason"]


def test_the_reference_s_protocol_takes_what_strictness_refuses(folders):
    write(folders / "pred/a.png", [[0, 1], [3, 0]])
    results = score(folders, protocol=["strict", "reference"])["results"]
    assert [(row["protocol"], row["photos"]) for row in results[::3]] == [
        ("strict", 2),
        ("reference", 3),
    ]


def test_the_folder_has_the_report_and_is_gone_on_with(folders):
    out = folders / "out"
    (folders / "truth/none.png").symlink_to(folders / "truth/a.png")
    first = score(folders, out=out)
    assert (out / "report.html").is_file()
    assert len((out / "photos.jsonl").read_text().splitlines()) == 3
    assert score(folders, out=out) == first
    write(folders / "pred/a.png", [[0, 1, 2], [3, 4, 5]])
    assert score(folders, out=out)["results"][0]["mean_iou"] == 1


def test_a_prepared_data_set_of_other_parts_is_no_truth(prepared, folders):
    (folders / "truth/a.png").unlink()
    shutil.rmtree(folders / "truth")
    (folders / "truth").symlink_to(prepared / "atr")
    with pytest.raises(DatasetError, match="other parts"):
        score(folders)


def test_photos_are_shown_where_the_truth_is_a_prepared_data_set_s(prepared, tmp_path):
    truth = prepared / "pascal/labels/level3"
    folders = MaskFolders.open(truth, truth, PASCAL, "val")
    key = folders.keys[0]
    score = PhotoScore(Case("masks"), "pascal", key, 1.0, 1.0, {})
    pictures = look_at_masks(folders)(score)
    assert pictures.photo.shape[:2] == pictures.truth.shape
    write(tmp_path / "alone.png", [[0]])
    alone = MaskFolders.open(tmp_path, tmp_path, PASCAL, "val")
    assert look_at_masks(alone)(replace(score, photo="alone")).photo is None


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
    (tmp_path / "truth").symlink_to(prepared / "pascal")
    [stored, *_] = score(tmp_path)["results"]
    of_masks = {"parser": "pred", "tta": None, "calibration": None}
    assert stored == direct | of_masks
