"""Several processes, by gloo: on one machine, and as members of a run on two."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from grapy_cli.runtime.journal import read_journal
from tests.support.command_line import plain_environment, run_grapy
from tests.support.training import RECIPE, prepare_tiny, resume, tensors_of, train
from tests.support.warm import call_grapy

TRAIN = ["train", "--config", str(RECIPE), "--gpus", "2", "--batch-size", "4"]
MEMBER = ["train", "--config", str(RECIPE), "--batch-size", "4", "--dataset", "pascal"]
DEADLINE = 90


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Nine photos of each to train on, and three for val, which two processes cannot halve."""
    return prepare_tiny(tmp_path_factory.mktemp("data"), "cihp", "atr", "pascal", photos=12)


def rows_of(run, event="StepDone"):
    journal = run / "journal.jsonl"
    return (
        [row for row in read_journal(journal) if row["event"] == event] if journal.exists() else []
    )


@contextmanager
def started(*commands, folder):
    """Processes that are surely gone in the end; their standard errors are files `0`, `1`, ..."""
    processes = []
    try:
        for index, command in enumerate(commands):
            with (folder / str(index)).open("w") as said:
                environment = plain_environment(OMP_NUM_THREADS="1")
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command],
                        cwd=folder,
                        env=environment,
                        stdout=subprocess.DEVNULL,
                        stderr=said,
                        start_new_session=True,
                    )
                )
        yield processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_steps(run, count, processes):
    until = time.monotonic() + DEADLINE
    while len(rows_of(run)) < count:
        assert all(process.poll() is None for process in processes)
        assert time.monotonic() < until
        time.sleep(0.1)


def ranks_of(process):
    """The processes a launcher has started, with the rank of each."""
    ranks = {}
    for folder in Path("/proc").iterdir():
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            variables = (folder / "environ").read_text().split("\0")
        except (OSError, IndexError):
            continue
        if folder.name.isdigit() and int(parent) == process.pid:
            ranks |= {one[5:]: int(folder.name) for one in variables if one.startswith("RANK=")}
    return ranks


def agents(run, data, *more):
    """The commands of two launchers that meet on this machine as if they were on two."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        meeting = f"localhost:{probe.getsockname()[1]}"
    launcher = ["torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    launcher += ["--rdzv-backend", "c10d", "--rdzv-endpoint", meeting, "--rdzv-id", run.name]
    launcher += ["-m", "grapy_cli"]
    return [[*launcher, *MEMBER, "--data", str(data), *more]] * 2


@pytest.mark.parametrize(("mixing", "batch_size"), [("alternate", 4), ("mixed", 6)])
def test_two_processes_learn_what_one_does(data, tmp_path, mixing, batch_size):
    """The same losses, parameters and scores, but for rounding; options win in the processes too.

    Batch norm is frozen: its statistics are each process' own where there is no GPU.
    """
    one, two = tmp_path / "one", tmp_path / "two"
    alike = ["train.freeze_batch_norm=true", f"train.mixing={mixing}", "train.score_every=1"]
    numbers = {"train__seed": 3, "train__epochs": 2, "train__batch_size": batch_size}
    train(*alike, data__root=data, train__out=one, **numbers)
    ran = run_grapy(
        *TRAIN,
        *("--data", str(data), "--out", str(two), "--epochs", "2", "--batch-size", str(batch_size)),
        *(word for change in alike for word in ("--set", change)),
        folder=tmp_path,
        GRAPY_TRAIN__EPOCHS="7",
        GRAPY_TRAIN__SEED="3",
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == f"{two}\n"
    assert ran.stderr.count("joint starts") == 1  # one process speaks
    assert "Warning" not in ran.stderr
    assert "seed = 3" in (two / "settings.toml").read_text()
    for ours, theirs in zip(rows_of(one), rows_of(two), strict=True):
        assert (ours["step"], ours["datasets"]) == (theirs["step"], theirs["datasets"])
        assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-4, abs=1e-4)
    scores = [rows_of(run, "EpochScored")[-1]["mean_iou"] for run in (one, two)]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    ours, theirs = tensors_of(one), tensors_of(two)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert np.allclose(value, theirs[name], rtol=1e-3, atol=1e-4), name


def test_photos_that_all_data_sets_label_leave_no_head_out(tmp_path):
    """So torch is not told to look for heads that a step left out, of which it would warn."""
    sizes = ("--set", "prepare.synthetic.count=12", "--set", "prepare.synthetic.size=64,48")
    labels = ("--set", "prepare.synthetic.labels=cihp,pascal")
    made = run_grapy("prepare", "--dataset", "synthetic", *labels, *sizes, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    shutil.copytree(tmp_path / "data", tmp_path / "more")
    joined = ("--set", "data.join_photos=true", "--dataset", "cihp,pascal", "--epochs", "1")
    ran = run_grapy(*TRAIN, *joined, "--more-data", "more", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr


def test_processes_end_with_the_code_of_what_happened(tmp_path):
    ran = run_grapy(*TRAIN, "--data", "nothing", "--out", "run", folder=tmp_path)
    assert ran.returncode == 3, ran.stderr
    assert "there is no prepared data set" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "run").exists()


def test_a_step_that_fits_into_no_memory_ends_all_processes(data, tmp_path):
    large = ("--crop", "200000,200000", "--out", "run")
    ran = run_grapy(*TRAIN, "--data", str(data), *large, folder=tmp_path)
    assert ran.returncode == 6, ran.stderr
    assert "a step of 2 photos of 200000x200000 pixels takes about" in ran.stderr
    assert "--force starts the run anyway" in ran.stderr
    assert "another process" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "run").exists()


def test_a_dry_run_answers_with_a_table_and_leaves_nothing(data, tmp_path):
    ran = run_grapy(*TRAIN, "--gpus", "1", "--data", str(data), "--dry-run", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    rows = dict(
        re.split(r" {2,}", line.strip(), maxsplit=1) for line in ran.stdout.splitlines()[1:]
    )
    assert rows["photos to train on"] == "9 atr, 9 cihp, 9 pascal"
    assert rows["steps"] == "12 of 4 photos"
    assert {"time of a step", "time of the whole run", "memory", "size of a checkpoint"} < set(rows)
    assert not list(tmp_path.iterdir())


def test_a_stop_from_outside_saves_and_says_how_to_go_on(data, tmp_path):
    run = tmp_path / "run"
    command = ["grapy_cli", *TRAIN, "--data", str(data), "--out", str(run)]
    command += ["--dataset", "pascal", "--epochs", "10000000", "--crop", "385,385"]
    with started(command, folder=tmp_path) as (process,):
        wait_for_steps(run, 2, [process])
        process.send_signal(signal.SIGTERM)
        code = process.wait(DEADLINE)
    said = (tmp_path / "0").read_text()
    assert code == 130, said
    assert "everything is saved" in said
    assert said.count("days here") == 1  # one process tells what all foresee
    assert "Traceback" not in said
    assert tensors_of(run)
    last = rows_of(run)[-1]["step"]
    saved = rows_of(run, "CheckpointSaved")[-1]["step"]
    assert saved == last


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds a rank through /proc")
def test_a_killed_rank_ends_the_run_which_two_can_go_on_with(data, tmp_path):
    run = tmp_path / "run"
    command = ["grapy_cli", *TRAIN, "--data", str(data), "--out", str(run), "--epochs", "500"]
    command += ["--set", "train.ema=0.5"]
    with started(command, folder=tmp_path) as (process,):
        wait_for_steps(run, 7, [process])  # an epoch is 6
        os.kill(ranks_of(process)["1"], signal.SIGKILL)
        code = process.wait(DEADLINE)
    said = (tmp_path / "0").read_text()
    assert code == 1, said
    assert "a process of the run was killed by signal 9" in said
    assert f"grapy train --resume {run}" in said
    assert "Traceback" not in said
    assert {tuple(row["datasets"]) for row in rows_of(run)} == {("atr",), ("cihp",), ("pascal",)}
    saved = json.loads((run / "last" / "state.json").read_text())["epoch"]
    ran = call_grapy("train", "--resume", str(run), "--epochs", str(saved + 1), folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    rates = [0.01 * (1 - share) ** 0.9 for share in ((6 * saved - 1) / 3000, saved / (saved + 1))]
    assert (
        f"the learning rate goes from {rates[0]:.3g} at the last step to {rates[1]:.3g} at the "
        f"next: train.epochs goes from 500 to {saved + 1}\n"
    ) in ran.stderr
    assert json.loads((run / "last" / "state.json").read_text())["step"] == 6 * (saved + 1)


def test_two_launchers_make_one_run_and_one_stop_ends_it(data, tmp_path):
    """As on two machines: both hear of the stop, one writes, and the run can go on."""
    run = tmp_path / "run"
    with started(*agents(run, data, "--out", str(run), "--epochs", "500"), folder=tmp_path) as both:
        wait_for_steps(run, 2, both)
        both[0].send_signal(signal.SIGTERM)
        codes = [process.wait(DEADLINE) for process in both]
    assert all(codes), codes
    said = [(tmp_path / name).read_text() for name in "01"]
    assert sum("joint starts" in one for one in said) == 1
    assert any("everything is saved" in one for one in said)
    steps = [row["step"] for row in rows_of(run)]
    assert steps == list(range(1, len(steps) + 1))
    assert rows_of(run, "CheckpointSaved")[-1]["step"] == steps[-1]
    state = json.loads((run / "last" / "state.json").read_text())
    resume(run, f"train.epochs={state['epoch'] + 1}")
    steps = [row["step"] for row in rows_of(run)]
    assert steps == list(range(1, len(steps) + 1))
