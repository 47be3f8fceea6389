"""What happens to a training while it runs: a second one, folders that go, workers that are killed.

Each is caused for real, by a reporter that does it after some step.
"""

import gc
import multiprocessing
import os
import shutil
import signal

import pytest

from grapy_cli.errors import DatasetError, DeviceError, WeightsError
from grapy_cli.runtime.lock import LockedError
from tests.support.training import AfterSteps, assert_same_run, prepare_tiny, resume, train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_tiny(tmp_path_factory.mktemp("data"), "pascal")


@pytest.fixture
def begin(data, tmp_path):
    """Train into a folder and do something after a step."""

    def begin(act, *sets, step=3, root=data, **more):
        flags = {"data__root": root, "data__dataset": "pascal", "train__out": tmp_path / "run"}
        report = AfterSteps(step, act)
        return train("train.save_every=1", *sets, report=report, **(flags | more))

    return begin


def test_one_process_at_a_time_trains_in_a_folder(begin, tmp_path):
    run, heard = tmp_path / "run", []

    def intrude():
        for second in (lambda: resume(run), lambda: begin(lambda: None)):
            with pytest.raises(LockedError, match=f"process {os.getpid()} on ") as caught:
                second()
            heard.append(caught.value.exit_code)

    begin(intrude)
    assert heard == [2, 2]
    assert (run / "last" / "state.json").exists()
    assert not (run / ".train.lock").exists()


def test_a_run_folder_that_is_removed_is_said(begin, tmp_path):
    with pytest.raises(WeightsError, match=r"cannot be written.*No such file"):
        begin(lambda: shutil.rmtree(tmp_path / "run"))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_data_set_that_is_removed_is_said_and_the_run_kept(begin, data, tmp_path, workers):
    own = shutil.copytree(data, tmp_path / "own")
    with pytest.raises(DatasetError, match="pascal"):
        begin(
            lambda: shutil.rmtree(own / "pascal"),
            *("train.epochs=9", f"data.workers={workers}"),
            root=own,
        )
    assert (tmp_path / "run" / "last" / "state.json").exists()


@pytest.fixture
def no_callbacks():
    """Leave out what Hypothesis does at each collection of garbage.

    Torch hears of a killed worker by a signal, and raises in whatever Python code runs then. Where
    that is such a callback, the error is lost and pytest complains of it.
    """
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = callbacks


@pytest.mark.usefixtures("no_callbacks")
def test_a_worker_that_is_killed_is_said_and_the_run_goes_on(begin, tmp_path):
    def kill():
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGKILL)

    enough = ("train.epochs=9", "data.workers=1")
    with pytest.raises(DeviceError, match="killed") as caught:
        begin(kill, *enough)
    assert "--workers" in caught.value.hint
    run = tmp_path / "run"
    resume(run)
    unbroken = tmp_path / "unbroken"
    begin(lambda: None, *enough, train__out=unbroken)
    assert_same_run(run, unbroken)
