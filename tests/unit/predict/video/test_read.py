from pathlib import PurePosixPath

import numpy as np
import pytest

from grapy_cli import HumanParser
from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.photo_results import Results
from grapy_cli.predict.outputs.videos import VIDEO_OUTPUTS, check_video_outputs
from grapy_cli.predict.video.read import parse_video
from grapy_cli.runtime.reporting import Progressed, silence
from tests.support.networks import write_weights
from tests.support.videos import read_sound, read_video, write_video

pytest.importorskip("av", reason="the extra video is not installed")

ATR = LABEL_SETS["atr"]
TIMES = [0, 40, 120, 121, 400]


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    weights = write_weights(tmp_path_factory.mktemp("weights") / "w.safetensors", ["atr"])
    return HumanParser.load(weights, device="cpu")


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (5, 5, 3, 3), np.uint8)
    return [picture.repeat(7, 0).repeat(7, 1) for picture in coarse]  # 35 x 21: odd sides


@pytest.fixture
def film(parser, tmp_path):
    def film(path, *, save=("mask",), stop=lambda: False, report=silence):
        out, name = tmp_path / "out", PurePosixPath("clip")
        results = Results(out, plan_kinds([ATR], [3], save)).of_video

        def parse(frames):
            return ((frame, parser.parse_all(frame.pixels, ["atr"])) for frame in frames)

        row = parse_video(path, parse, results, name, stop, report)
        return row, dict(zip(save, results.paths(name), strict=True))

    return film


def test_every_frame_has_its_mask_at_its_moment(film, parser, pictures, tmp_path):
    told = []
    clip = write_video(tmp_path / "clip.mp4", pictures, TIMES)
    row, videos = film(clip, report=told.append)
    frames, times = read_video(videos["mask"])
    assert videos["mask"].suffix == ".mkv"
    assert times == pytest.approx([time / 1000 for time in TIMES])
    colors = np.array([part.color for part in ATR.parts], np.uint8)
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame, colors[parser.parse(picture, "atr").label_map])
    assert row["files"] == ["clip.mkv"]
    assert told == [Progressed("parsing clip.mp4", done, 5) for done in (1, 2, 3, 4)]
    assert row["frames"] == 5
    assert (row["width"], row["height"]) == (21, 35)
    assert sum(row["shares"]["atr"].values()) == pytest.approx(1, abs=1e-4)
    doubts = [parser.parse(picture, "atr").doubt for picture in pictures]
    assert row["doubt"] == pytest.approx(np.mean(doubts), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "sound", "copied"), [("a.mp4", "aac", "aac"), ("a.mkv", "pcm_s16le", "aac")]
)
def test_films_to_look_at_have_the_sound_and_even_sides(
    film, pictures, tmp_path, name, sound, copied
):
    video = write_video(tmp_path / name, pictures, TIMES, sound=sound)
    looks = [kind for kind, one in VIDEO_OUTPUTS.items() if not one.exact]
    _, videos = film(video, save=looks)
    for kind in looks:
        frames, times = read_video(videos[kind])
        assert [frame.shape for frame in frames] == [(36, 22, 3)] * 5
        assert times == pytest.approx([time / 1000 for time in TIMES], abs=1e-3)
        codec, seconds = read_sound(videos[kind])
        assert codec == copied
        assert seconds == pytest.approx(0.44, abs=0.2)  # codecs fill up their last block


def test_a_video_without_sound_stays_silent(film, pictures, tmp_path):
    _, videos = film(write_video(tmp_path / "clip.mkv", pictures), save=("overlay",))
    assert read_sound(videos["overlay"]) is None


def test_a_video_that_players_turn_is_parsed_upright(film, parser, pictures, tmp_path):
    turned = write_video(tmp_path / "clip.mkv", pictures[:1], turned=90)
    _, videos = film(turned)
    ((frame,), _) = read_video(videos["mask"])
    colors = np.array([part.color for part in ATR.parts], np.uint8)
    upright = np.rot90(pictures[0]).copy()
    np.testing.assert_array_equal(frame, colors[parser.parse(upright, "atr").label_map])


def test_a_run_that_is_stopped_leaves_no_film(film, pictures, tmp_path):
    seen = []
    row, _ = film(
        write_video(tmp_path / "clip.mkv", pictures),
        save=("mask", "overlay"),
        stop=lambda: seen.append(1) or len(seen) == 2,
    )
    assert row is None
    assert len(seen) == 2
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("damage", ["text", "cut", "sound alone", "missing"])
def test_a_video_that_cannot_be_read_is_told_and_leaves_no_film(film, pictures, tmp_path, damage):
    path = tmp_path / "clip.mp4"
    if damage == "text":
        path.write_text("hello")
    elif damage == "cut":  # the list of frames stands at the end
        whole = write_video(tmp_path / "whole.mp4", pictures).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "sound alone":
        import av

        with av.open(str(path), "w") as container:
            container.mux(container.add_stream("aac", rate=8000).encode(None))
    with pytest.raises(PhotoError, match=r"clip\.mp4"):
        film(path, save=("mask", "overlay"))
    assert not list((tmp_path / "out").rglob("*.*"))


def test_without_the_extra_its_name_is_told(film, pictures, tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mkv", pictures)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(PhotoError, match=r"without the extra video"):
        film(path)


def test_what_cannot_be_a_film_is_refused_beforehand():
    check_video_outputs(["mask", "overlay"])
    with pytest.raises(SettingsError, match="polygons cannot be written for a video"):
        check_video_outputs(["mask", "polygons"])
