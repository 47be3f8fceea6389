"""What a run does while its data loader delivers nothing."""

import os
import signal

import pytest

from grapy_cli.data.dataset import ParsingDataset
from grapy_cli.errors import DeviceError, InterruptedRun
from grapy_cli.runtime.interrupt import StopAskedError
from grapy_cli.train import scoring
from grapy_cli.train.data_wait import GRACE, DataWait, ProcessState
from tests.support.training import assert_same_run, resume, train

MINUTES = [60.0 * minute + 1 for minute in range(1, 6)]


def wait(look, seconds, *, stopped=False, is_alone=True):
    heard = []
    waiting = DataWait(heard.append, lambda: stopped, is_alone=is_alone, look=look)
    for one in seconds:
        waiting(one)
    return [event.text for event in heard]


def test_a_long_wait_is_reported_once_a_minute_with_its_workers():
    busy = iter(ProcessState("S", ticks) for ticks in range(9))
    heard = wait(lambda: {7: next(busy)}, [1.0, 30.0, *MINUTES, 302.0])
    assert len(heard) == 5
    assert heard[0] == "no batch for 61 s; worker 7 sleeps"
    assert wait(lambda: {7: ProcessState("D", 3)}, [1.0, *MINUTES])[0].endswith("waits for a disk")


def test_short_waits_are_not_reported():
    assert wait(lambda: {7: ProcessState("S", 3)}, [1.0, 50.0, 1.0, 50.0]) == []


def test_workers_that_do_nothing_for_minutes_end_the_run():
    with pytest.raises(DeviceError, match=r"5 minutes.*worker 7 sleeps") as caught:
        wait(lambda: {7: ProcessState("S", 3)}, [1.0, *MINUTES])
    assert "--workers 0" in caught.value.hint


def test_a_signal_ends_a_wait():
    with pytest.raises(StopAskedError):
        wait(dict, [1.0], stopped=True)
    assert wait(dict, [1.0], stopped=True, is_alone=False) == []
    with pytest.raises(StopAskedError):
        wait(dict, [GRACE], stopped=True, is_alone=False)


def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_while_data_are_waited_for_ends_the_run(data, tmp_path, monkeypatch):
    """The workers deliver nothing; the second worker-second is never waited for."""
    where = {"data__root": data, "data__dataset": "pascal", "data__workers": 1}

    def stall(self, draw):
        os.kill(os.getppid(), signal.SIGTERM)
        signal.pause()

    with monkeypatch.context() as patch:
        patch.setattr(ParsingDataset, "__getitem__", stall)
        with pytest.raises(InterruptedRun, match="after step 0"):
            train(**where, train__out=tmp_path / "run")
    resume(tmp_path / "run")
    train(**where, train__out=tmp_path / "unbroken")
    assert_same_run(tmp_path / "run", tmp_path / "unbroken")


def test_a_signal_while_scoring_ends_the_run_and_the_scoring_is_made_up_for(
    data, tmp_path, monkeypatch
):
    where = {"data__root": data, "data__dataset": "pascal"}
    ema = "train.ema=0.9"
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "score_datasets", stop)
        with pytest.raises(InterruptedRun):
            train(ema, "train.score_every=1", **where, train__out=tmp_path / "run")
    resume(tmp_path / "run")
    train(ema, "train.score_every=1", **where, train__out=tmp_path / "unbroken")
    assert_same_run(tmp_path / "run", tmp_path / "unbroken")
