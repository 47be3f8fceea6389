"""Whatever happens while a checkpoint is written, a complete one can be gone on from."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from grapy_cli.errors import WeightsError
from grapy_cli.train.events import CheckpointSaved
from tests.support.command_line import plain_environment
from tests.support.training import AfterSteps, assert_same_run, resume, tensors_of, train


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("finished") / "run"
    train(data__root=data, data__dataset="pascal", train__epochs=2, train__out=run)
    return run


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished run, to damage."""
    return shutil.copytree(finished, tmp_path / "run")


def step_of(run):
    return json.loads((run / "last" / "state.json").read_text())["step"]


def test_a_checkpoint_has_no_pickle_and_nothing_is_left_beside_it(finished):
    files = {file.name for file in (finished / "last").iterdir()}
    assert files == {"weights.safetensors", "state.safetensors", "state.json"}
    assert {path.name for path in finished.iterdir()} == {
        "settings.toml",
        "journal.jsonl",
        "metrics.csv",
        "curves.svg",
        "sheets",
        "last",
        "best",
    }


def test_a_crash_between_the_two_renames(run, finished):
    (run / "last").rename(run / "last.old")
    shutil.copytree(run / "last.old", run / "last.part")
    resume(run, "train.epochs=3")
    assert step_of(run) == 6
    assert not list(run.glob("last.*"))


def test_two_crashes_between_the_two_renames(run):
    """What the first crash left must stand until something complete has its place."""
    (run / "last").rename(run / "last.old")
    part = run / "last.part"
    part.mkdir()
    (part / "weights.safetensors").write_text("half")
    present = []
    resume(
        run,
        "train.epochs=3",
        report=AfterSteps(5, lambda: present.append((run / "last.old" / "state.json").is_file())),
    )
    assert present == [True]


def test_a_run_without_checkpoint(run):
    shutil.rmtree(run / "last")
    with pytest.raises(WeightsError, match="no checkpoint"):
        resume(run)


@pytest.mark.parametrize("file", ["weights.safetensors", "state.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named(run, file):
    path = run / "last" / file
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match=str(run / "last")):
        resume(run)


@pytest.fixture
def small_disk():
    """No file may grow beyond 100 kB: what a full disk is to a program that writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_leaves_the_checkpoint_before(run, finished, small_disk):
    with pytest.raises(WeightsError, match="cannot be written") as caught:
        resume(run, "train.epochs=4", report=AfterSteps(5, small_disk))
    assert f"--resume {run}" in caught.value.hint
    assert_same_run(run, finished)
    assert not list(run.glob("last.*"))


def test_killed_at_any_moment(data, tmp_path):
    """A checkpoint after every step, and no moment to say goodbye."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "grapy_cli", "train", "--config", "tests/support/debug.toml"]
    command += ["--data", str(data), "--dataset", "pascal", "--out", str(out)]
    command += ["--epochs", "500", "--save-every", "1"]
    environment = plain_environment(OMP_NUM_THREADS="1")
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        while not (out / "last").exists():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.777)
    finally:
        process.kill()
        process.wait()
    step = step_of(out) if (out / "last").exists() else None
    saved = []

    def report(event):
        if isinstance(event, CheckpointSaved):
            saved.append(event.step)

    epochs = (step or 500) // 2 + 1
    resume(out, f"train.epochs={epochs}", report=report)
    assert saved[-1] == epochs * 2
    assert tensors_of(out)
