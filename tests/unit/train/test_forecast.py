"""What a step takes is foreseen from small passes, and a run that cannot fit says so."""

import pytest
import torch

from grapy_cli.errors import DeviceError
from grapy_cli.labels import label_set
from grapy_cli.runtime.reporting import Warned
from grapy_cli.runtime.world import World
from grapy_cli.train import forecast as forecasting
from grapy_cli.train.forecast import Forecast, check_forecast, forecast, tightest
from grapy_cli.train.loss_module import LossModule, LossNumbers
from tests.support.networks import tiny_network
from tests.support.training import train

CPU = torch.device("cpu")
GIB = 2**30


@pytest.fixture(autouse=True)
def small_passes(monkeypatch):
    monkeypatch.setattr(forecasting, "SIDES", (32, 48))


@pytest.fixture
def module():
    return LossModule(tiny_network(["pascal"]), LossNumbers(), {})


def foresee(module, photos=4, side=96):
    return forecast(
        module,
        [label_set("pascal")],
        photos=photos,
        crop=(side, side),
        passes=1,
        optimizer="sgd",
        processes=1,
        device=CPU,
    )


def test_memory_is_that_of_a_whole_pass(module, monkeypatch):
    foreseen = foresee(module, photos=2, side=128).memory
    whole = forecasting._try_pass(module.train(), [label_set("pascal")], 128, CPU).memory
    parameters = sum(one.numel() * 4 for one in module.parameters())
    assert foreseen == pytest.approx(forecasting.MARGIN * whole + parameters, rel=0.05)


def test_nothing_of_the_network_changes(module):
    module.eval()
    state = {key: value.clone() for key, value in module.state_dict().items()}
    random = torch.get_rng_state()
    foresee(module)
    assert all(value.equal(state[key]) for key, value in module.state_dict().items())
    assert torch.get_rng_state().equal(random)
    assert all(one.grad is None for one in module.parameters())
    assert not module.training


def test_small_runs_are_not_foreseen(module):
    assert foresee(module, photos=2, side=64) is None


def check(memory=0, free=8 * GIB, seconds=0.1, force=False):
    return check_forecast(
        Forecast(memory, free, seconds),
        work="a step of 10 photos",
        steps=1000,
        hint=lambda: "--crop 9,9 takes less.",
        force=force,
    )


def test_what_fits_needs_no_word():
    assert check(memory=6 * GIB) == check(memory=90 * GIB, free=None) == []


def test_what_hardly_fits_is_warned_of():
    (warning,) = check(memory=7 * GIB)
    assert warning == (
        "a step of 10 photos takes about 7.0 GiB of memory, and 8.0 GiB are free; "
        "--crop 9,9 takes less."
    )


def test_what_does_not_fit_is_an_error_unless_forced():
    with pytest.raises(DeviceError, match=r"9.0 GiB of memory, and 8.0 GiB") as caught:
        check(memory=9 * GIB)
    assert caught.value.hint == "--crop 9,9 takes less. --force starts the run anyway."
    assert len(check(memory=9 * GIB, force=True)) == 1


def test_a_very_long_run_is_warned_of():
    (warning,) = check(seconds=2500.0)
    assert "about 29 days here, 1000 steps of about 2.5e+03 s" in warning


def test_processes_share_the_forecast_with_the_least_room():
    roomy, tight = Forecast(4 * GIB, 8 * GIB, 2.0), Forecast(3 * GIB, 5 * GIB, 1.0)
    assert tightest([roomy, tight, Forecast(9 * GIB, None, 0.5)]) == Forecast(3 * GIB, 5 * GIB, 2.0)
    assert tightest([None, None]) is None


def test_a_run_that_cannot_fit_in_another_process_does_not_start(data, tmp_path, monkeypatch):
    def gather(self, rows):
        return [*rows, Forecast(9 * GIB, 8 * GIB, 0.1)]

    monkeypatch.setattr(World, "gather", gather)
    with pytest.raises(DeviceError, match=r"9.0 GiB of memory, and 8.0 GiB"):
        train(data__root=data, data__dataset="pascal", train__out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot_fit_does_not_start(data, tmp_path, monkeypatch):
    monkeypatch.setattr(forecasting, "SIDES", (16, 17))
    monkeypatch.setattr(forecasting, "free_memory", lambda device: 2**20)
    where = {"data__root": data, "data__dataset": "pascal", "train__epochs": 1}
    where["train__crop"] = "65,65"
    with pytest.raises(DeviceError, match="a step of 2 photos") as caught:
        train(**where, train__out=tmp_path / "run")
    assert "--crop" in caught.value.hint
    assert not (tmp_path / "run").exists()
    heard = []
    train(**where, train__out=tmp_path / "run", force=True, report=heard.append)
    assert any("GiB are free" in event.text for event in heard if isinstance(event, Warned))
