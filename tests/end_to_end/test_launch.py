"""Several processes on one machine, by gloo: as a person starts them."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from grapy_cli.runtime.journal import read_journal
from tests.support.command_line import plain_environment, run_grapy
from tests.support.training import RECIPE, prepare_tiny, resume, tensors_of

TRAIN = ["train", "--config", str(RECIPE), "--gpus", "2", "--batch-size", "4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_tiny(tmp_path_factory.mktemp("data"), "cihp", "atr", "pascal")


def rows_of(run, event="StepDone"):
    return [row for row in read_journal(run / "journal.jsonl") if row["event"] == event]


def test_two_processes_train_all_data_sets_in_turn(data, tmp_path):
    """A step of one data set leaves the others' heads alone, which no process may wait for.

    Options win over the environment in the processes as well, the scoring is shared out, and the
    run goes on in two processes and in one.
    """
    run = tmp_path / "run"
    ran = run_grapy(
        *TRAIN,
        "--data",
        str(data),
        "--out",
        str(run),
        "--epochs",
        "2",
        "--ema",
        "0.5",
        folder=tmp_path,
        GRAPY_TRAIN__EPOCHS="7",
        GRAPY_TRAIN__SEED="3",
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{run}\n"
    assert ran.stderr.count("joint starts") == 1  # one process speaks
    steps = rows_of(run)
    assert [row["step"] for row in steps] == list(range(1, 7))
    assert {tuple(row["datasets"]) for row in steps} == {("atr",), ("cihp",), ("pascal",)}
    assert np.isfinite([list(row["losses"].values()) for row in steps]).all()
    (scores,) = rows_of(run, "EpochScored")
    assert set(scores["mean_iou"]) == {"atr", "cihp", "pascal"}
    assert "seed = 3" in (run / "settings.toml").read_text()

    ran = run_grapy("train", "--resume", str(run), "--epochs", "3", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert [row["step"] for row in rows_of(run)] == list(range(1, 10))
    resume(run, "train.epochs=4", "run.gpus=1")
    assert [row["step"] for row in rows_of(run)] == list(range(1, 13))


def test_processes_end_with_the_code_of_what_happened(tmp_path):
    ran = run_grapy(*TRAIN, "--data", "nothing", "--out", "run", folder=tmp_path)
    assert ran.returncode == 3, ran.stderr
    assert "no data set is prepared" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("gpus", ["1", "2"])
def test_a_stop_from_outside_saves_and_says_how_to_go_on(data, tmp_path, gpus):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "grapy_cli", *TRAIN, "--data", str(data), "--out", str(run)]
    command += ["--dataset", "pascal", "--epochs", "500", "--gpus", gpus]
    process = subprocess.Popen(
        command, env=plain_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while not (run / "journal.jsonl").exists() or len(rows_of(run)) < 2:
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    assert "everything is saved" in said
    assert "Traceback" not in said
    assert tensors_of(run)
    last = rows_of(run)[-1]["step"]
    saved = rows_of(run, "CheckpointSaved")[-1]["step"]
    assert saved == last
