"""Videos among the photos of `grapy predict`."""

import json

import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import InterruptedRun, SettingsError
from grapy_cli.predict import run as predict_run
from grapy_cli.predict.run import plan_predict, run_predict
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, InferSettings, PredictSettings, RunSettings
from grapy_cli.settings.settings import Settings
from tests.support.networks import write_weights
from tests.support.videos import read_video, write_video

pytest.importorskip("av", reason="the extra video is not installed")


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_weights(tmp_path / "w.safetensors", ["atr"])
    pictures = list(np.random.default_rng(0).integers(0, 256, (3, 32, 24, 3), np.uint8))
    write_video(tmp_path / "clip.mkv", pictures)
    (tmp_path / "bad.mp4").write_text("hello")
    Image.fromarray(pictures[0]).save(tmp_path / "clip.png")
    return tmp_path


def settings(**more):
    return Settings(
        data=DataSettings(dataset=["atr"]),
        infer=InferSettings(weights="w.safetensors"),
        predict=PredictSettings(**{"out": "out", **more}),
        run=RunSettings(device="cpu"),
    )


def rows(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_videos_and_photos_share_a_run_and_are_done_once(work):
    sources = ["clip.mkv", "bad.mp4", "clip.png"]
    first = run_predict(sources, settings(), silence)
    assert (first.parsed, first.failed) == (2, 1)
    video, photo = rows(work / "out/manifest.jsonl")
    assert video["files"] == ["clip.mkv.mkv"]
    assert video["frames"] == 3
    assert photo["files"] == ["clip.png.png"]
    assert len(read_video(work / "out/clip.mkv.mkv")[0]) == 3
    (failure,) = rows(work / "out/failures.jsonl")
    assert failure["source"] == "bad.mp4"

    again = run_predict(sources, settings(), silence)
    assert (again.parsed, again.failed, again.kept) == (0, 1, 2)
    planned = {one.photo: (one.files, one.is_done) for one in plan_predict(sources, settings())}
    assert planned["clip.mkv"] == (("clip.mkv.mkv",), True)
    (work / "out/clip.mkv.mkv").unlink()
    assert run_predict(sources, settings(), silence).parsed == 1


def test_the_gallery_shows_the_first_frame(work):
    run_predict(["clip.mkv"], settings(gallery=True, save=["mask", "overlay"]), silence)
    page = (work / "out/gallery.html").read_text()
    assert page.count('class="photo"') == 1
    assert (work / "out/overlay/clip.mp4").exists()


def test_other_kinds_are_refused_before_anything_is_done(work):
    with pytest.raises(SettingsError, match="probs cannot be written for a video"):
        run_predict(["clip.png", "clip.mkv"], settings(save=["mask", "probs"]), silence)
    assert not (work / "out").exists()


def test_a_video_that_is_stopped_is_done_by_the_next_run(work, monkeypatch):
    asked = []

    class Stopped:
        def __enter__(self):
            return lambda: asked.append(1) or len(asked) > 2

        def __exit__(self, *error):
            return None

    with monkeypatch.context() as patch:
        patch.setattr(predict_run, "deferred_interrupts", Stopped)
        with pytest.raises(InterruptedRun):
            run_predict(["clip.mkv"], settings(), silence)
    assert not list((work / "out").glob("*.mkv"))
    assert run_predict(["clip.mkv"], settings(), silence).parsed == 1
