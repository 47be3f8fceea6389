"""Runs that go on where another stopped, and runs that share the work."""

import json
import os
import shutil
import signal

import pytest
from PIL import Image

from grapy_cli.errors import InterruptedRun, PhotoError
from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.predict.run import plan_predict, run_predict
from grapy_cli.runtime.reporting import Progressed, Told, silence
from grapy_cli.settings.sections import (
    BatchSettings,
    DataSettings,
    InferSettings,
    PredictSettings,
    RunSettings,
)
from grapy_cli.settings.settings import Settings
from tests.support.networks import write_weights
from tests.support.photo_folders import write_noise

NAMES = [f"{letter}.png" for letter in "abcde"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights") / "w", ["atr"])


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_noise(tmp_path / "photos", dict.fromkeys(NAMES, (9, 12)))
    return tmp_path


@pytest.fixture
def settings(weights):
    def build(tta="none", weights=weights, **more):
        batch = {name: more.pop(name) for name in BatchSettings.model_fields if name in more}
        infer = {name: more.pop(name) for name in InferSettings.model_fields if name in more}
        return Settings(
            data=DataSettings(dataset=["atr"]),
            infer=InferSettings(weights=weights, tta=tta, **infer),
            predict=PredictSettings(**more),
            batch=BatchSettings(**batch),
            run=RunSettings(device="cpu"),
        )

    return build


@pytest.fixture
def predict(settings):
    """Runs the command and returns the names of the photos it parsed."""

    def run(*sources, report=silence, **more):
        parsed = []

        def hear(event):
            if isinstance(event, PhotoParsed):
                parsed.append(event.photo.removeprefix("photos/"))
            report(event)

        run_predict(sources or ["photos"], settings(**more), hear)
        return parsed

    return run


def manifest(work):
    return [json.loads(line) for line in (work / "masks/manifest.jsonl").read_text().splitlines()]


def test_what_is_done_is_not_done_again(predict, work):
    assert predict() == NAMES
    before = (work / "masks/manifest.jsonl").read_bytes()
    events = []
    assert predict(report=events.append) == []
    assert (work / "masks/manifest.jsonl").read_bytes() == before  # even the seconds
    assert Told("5 of 5 photos were parsed by an earlier run") in events


def test_only_what_is_missing_or_other_is_done(predict, work):
    predict()
    (work / "masks/b.png").unlink()
    Image.new("RGB", (5, 5)).save("photos/c.png")
    Image.new("RGB", (5, 5)).save("photos/new.png")
    assert predict() == ["b.png", "c.png", "new.png"]
    assert [row["source"] for row in manifest(work)] == [f"photos/{n}" for n in [*NAMES, "new.png"]]


@pytest.mark.parametrize(
    "other",
    [
        {"tta": "flip"},
        {"only": ["hair"]},
        {"save": ["overlay"]},
        {"max_side": 5},
        {"reduced_jpeg": True},
    ],
)
def test_other_settings_do_everything_anew(predict, other):
    predict()
    assert predict(**other) == NAMES


@pytest.mark.parametrize(
    ("more", "is_reduced"),
    [({}, True), ({"save": ["mask", "cutouts"]}, False), ({"gallery": True}, False)],
)
def test_the_manifest_says_that_a_jpeg_was_reduced_and_what_shows_it_has_it_whole(
    predict, work, more, is_reduced
):
    Image.new("RGB", (400, 300)).save("large.jpg")
    heard = []
    predict("large.jpg", reduced_jpeg=True, longest_side=33, report=heard.append, **more)
    [row] = manifest(work)
    assert (row["width"], row["height"]) == (400, 300)
    assert row.get("notes", []) == ["the JPEG is decoded at 100x75 pixels"] * is_reduced
    told = [event.text for event in heard if isinstance(event, Told)]
    assert any("at their own size" in text for text in told) != is_reduced


def test_other_weights_do_everything_anew(predict, work):
    predict()
    other = write_weights(work / "other", ["atr"], answer=3)
    assert predict(weights=other) == NAMES


def test_settings_that_change_no_file_do_nothing_anew(predict):
    predict()
    assert predict(fail_fast=True, contact_sheet=False) == []


def test_overwrite_does_everything_anew(predict):
    predict()
    assert predict(overwrite=True) == NAMES


def masks(work):
    found = (work / "masks").rglob("*")
    return {path.relative_to(work / "masks").as_posix() for path in found if path.is_file()} - {
        "manifest.jsonl"
    }


def test_masks_of_an_earlier_layout_go(predict, work):
    predict()
    (work / "masks/notes.txt").write_text("mine")
    (work / "masks/deep").mkdir()
    (work / "masks/deep/a.png").write_text("mine as well")
    mine = {"notes.txt", "deep/a.png"}
    predict(save=["mask", "cutouts"])
    assert not {f"{letter}.png" for letter in "abcde"} & masks(work)
    predict()
    assert masks(work) == {*NAMES, *mine}
    assert not (work / "masks/cutouts").exists()


def test_a_second_photo_of_one_stem_leaves_no_mask_of_the_old_name(predict, work):
    predict()
    Image.new("RGB", (5, 5)).save("photos/a.bmp")
    predict()
    assert masks(work) == {"a.png.png", "a.bmp.png", "b.png", "c.png", "d.png", "e.png"}
    (work / "photos/a.bmp").unlink()
    predict()
    assert "a.png.png" not in masks(work)
    assert "a.png" in masks(work)


def test_a_killed_run_with_another_layout_leaves_no_old_masks(predict, work):
    predict()
    rows = (work / "masks/manifest.jsonl").read_text().splitlines()
    moved = rows[0].replace('"a.png"]', '"atr/a.png"]')
    assert moved != rows[0]
    (work / "masks/.manifest-1-of-1.jsonl").write_text(moved + "\n")
    predict("photos/b.png")
    assert "a.png" not in masks(work)


def test_no_photo_goes_where_a_manifest_claims_it(predict, work):
    predict()
    shutil.copytree("photos", "masks/in")
    text = (work / "masks/manifest.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    rows[0]["files"].append("in/b.png")
    lines = [json.dumps(row) + "\n" for row in rows]
    (work / "masks/manifest.jsonl").write_text("".join(lines))
    predict("photos", "masks/in/b.png", overwrite=True)
    assert (work / "masks/in/b.png").exists()


def test_a_photo_that_failed_is_tried_again(predict, work):
    whole = (work / "photos/b.png").read_bytes()
    (work / "photos/b.png").write_bytes(whole[:50])
    assert predict() == ["a.png", "c.png", "d.png", "e.png"]
    assert (work / "masks/failures.jsonl").exists()
    (work / "photos/b.png").write_bytes(whole)
    assert predict() == ["b.png"]
    assert not (work / "masks/failures.jsonl").exists()


def test_a_photo_that_breaks_later_loses_its_row(predict, work):
    predict()
    (work / "photos/b.png").write_bytes(b"")
    assert predict() == []
    assert "photos/b.png" not in [row["source"] for row in manifest(work)]


def test_what_other_photos_left_is_remembered(predict, work):
    predict()
    assert predict("photos/c.png") == []
    assert predict() == []
    assert len(manifest(work)) == 5


def test_shards_are_disjoint_and_complete(predict, work):
    shares = [predict(shard=f"{index}/3") for index in (3, 1, 2)]
    assert shares == [["c.png"], ["a.png", "d.png"], ["b.png", "e.png"]]
    assert [row["source"] for row in manifest(work)] == [f"photos/{name}" for name in NAMES]
    assert predict() == []


def test_files_of_all_photos_are_made_when_the_last_shard_ends(predict, work):
    predict(shard="1/2", contact_sheet=True)
    assert not (work / "masks/contact-sheet.png").exists()
    predict(shard="2/2", contact_sheet=True)
    assert (work / "masks/contact-sheet.png").exists()


def test_of_launched_processes_the_last_one_fails(settings, work, monkeypatch):
    """Whichever that is: the launcher stops the others when one of them fails."""
    (work / "photos/b.png").write_bytes(b"")
    monkeypatch.setenv("WORLD_SIZE", "2")
    summaries = []
    for rank in ("1", "0"):
        monkeypatch.setenv("RANK", rank)
        summaries.append(run_predict(["photos"], settings(), silence))
    assert [(summary.parsed, summary.failed) for summary in summaries] == [(1, 0), (3, 1)]


def test_fail_fast_stops_and_the_same_command_goes_on(predict, work):
    (work / "photos/b.png").write_bytes(b"")
    with pytest.raises(PhotoError, match=r"b\.png cannot be read"):
        predict(fail_fast=True)
    assert [row["source"] for row in manifest(work)] == ["photos/a.png"]
    (work / "photos/b.png").unlink()
    assert "a.png" not in predict(fail_fast=True)
    assert len(manifest(work)) == 4


def test_a_wish_to_stop_ends_the_run_between_photos(predict, work):
    def stop(event):
        if isinstance(event, PhotoParsed) and event.photo == "photos/a.png":
            os.kill(os.getpid(), signal.SIGINT)

    for number in range(12):
        Image.new("RGB", (5, 5)).save(f"photos/more{number:02d}.png")
    with pytest.raises(InterruptedRun, match=r"stopped after \d+ of 17 photos") as stopped:
        predict(report=stop)
    assert "same command" in stopped.value.hint
    early = [row["source"].removeprefix("photos/") for row in manifest(work)]
    assert 1 <= len(early) < 17
    assert {path.name for path in (work / "masks").iterdir()} == {*early, "manifest.jsonl"}
    late = predict()
    assert len(early) + len(late) == 17
    assert not set(early) & set(late)


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(predict, settings, work):
    planned = list(plan_predict(["photos"], settings(save=["mask", "overlay"])))
    assert not (work / "masks").exists()
    assert planned[0].photo == "photos/a.png"
    assert planned[0].files == ("atr/a.png", "overlay/a.png")
    predict("photos/a.png", "photos/c.png", save=["mask", "overlay"])
    (work / "photos/b.png").write_bytes(b"")
    planned = list(plan_predict(["photos"], settings(save=["mask", "overlay"])))
    assert [one.is_done for one in planned] == [True, False, True, False, False]
    share = plan_predict(["photos"], settings(save=["mask", "overlay"], shard="2/2"))
    assert [one.photo for one in share] == ["photos/b.png", "photos/d.png"]
    anew = plan_predict(["photos"], settings(save=["mask", "overlay"], overwrite=True))
    assert not any(one.is_done for one in anew)


def test_progress_tells_pace_and_time_left(predict, work):
    (work / "photos/broken.png").write_bytes(b"")
    predict("photos/a.png")
    events = []
    predict(report=events.append)
    steps = [event for event in events if isinstance(event, Progressed)]
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[0].note == "1 by an earlier run"
    assert steps[-1].note.endswith("photos/s")
    assert steps[-1].seconds_left == 0
    assert steps[2].seconds_left > 0
    assert sum(isinstance(event, PhotoRejected) for event in events) == 1
