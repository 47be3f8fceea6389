"""`grapy train` on photos that a teacher labels: killed at any moment, and shared by processes."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.support.command_line import plain_environment, run_grapy
from tests.support.networks import write_weights
from tests.support.training import RECIPE, assert_same_run, prepare_tiny
from tests.support.warm import call_grapy

COPIES = 8  # of the six photos, so that a kill finds work to interrupt


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with `data`, an archive `weak.tar` of tagged photos, and `teacher`."""
    place = tmp_path_factory.mktemp("place")
    prepare_tiny(place / "data", "pascal", "atr")
    write_weights(place / "teacher", ["atr", "pascal"], longest_side=32)
    found = sorted((place / "data/atr/images").iterdir())
    (place / "weak/photos").mkdir(parents=True)
    for number, path in enumerate(found * COPIES):
        shutil.copy(path, place / f"weak/photos/{number:02}.jpg")
    (place / "weak/photos/broken.jpg").write_text("no photo")
    (place / "weak/tags.json").write_text(json.dumps({"00": ["skirt"], "01": ["coat", "jeans"]}))
    shutil.make_archive(str(place / "weak"), "tar", place / "weak")
    return place


def command(out, *more):
    sets = ["photos=weak.tar", "teacher=teacher", "confidence=0.3"]
    named = [word for one in sets for word in ("--set", f"train.self_training.{one}")]
    sizes = ["--epochs", "1", "--batch-size", "4", "--save-every", "2"]
    begin = ["train", "--config", str(RECIPE), "--data", "data", "--dataset", "atr,pascal"]
    return [*begin, *sizes, *named, "--out", str(out), *more]


@pytest.fixture(scope="module")
def whole(place):
    ran = call_grapy(*command("whole"), folder=place, OMP_NUM_THREADS="1")
    assert ran.returncode == 0, ran.stderr
    assert "the teacher labeled 48 photos; 1 could not be read" in ran.stderr
    assert "broken.jpg" in ran.stderr
    return place / "whole"


@contextmanager
def killed_when(is_time, arguments, folder):
    """Run a command until something has happened, then kill it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "grapy_cli", *arguments],
        cwd=folder,
        env=plain_environment(OMP_NUM_THREADS="1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not is_time():
            assert process.poll() is None
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def test_killed_while_labeling_and_while_training(place, whole):
    run = place / "cut"
    last = run / "pseudo/pascal/labels/level3"
    with killed_when(lambda: len(list(last.glob("*.png"))) >= 10, command(run), place):
        assert not (run / "settings.toml").exists()
    with killed_when((run / "last/state.json").exists, command(run), place):
        pass
    ran = call_grapy("train", "--resume", str(run), folder=place, OMP_NUM_THREADS="1")
    assert ran.returncode == 0, ran.stderr
    assert_same_run(run, whole)


def test_two_processes_label_what_one_does(place, whole):
    run = place / "two"
    ran = run_grapy(*command(run, "--gpus", "2"), folder=place, OMP_NUM_THREADS="1")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.count("the teacher labeled 48 photos; 1 could not be read") == 1
    for path in whole.glob("pseudo/*/[ls]*/**/*.*"):
        assert (run / path.relative_to(whole)).read_bytes() == path.read_bytes()
