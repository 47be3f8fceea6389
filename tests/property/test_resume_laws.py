"""Wherever and however often a run is cut, it ends as the run that was not cut, bit for bit."""

import os
import signal
from contextlib import suppress
from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grapy_cli.errors import InterruptedRun
from tests.support.training import AfterSteps, assert_same_run, prepare_tiny, resume, train

EPOCHS, STEPS = 2, 4  # of 2 steps
ways = st.fixed_dictionaries(
    {
        "train.mixing": st.sampled_from(["alternate", "mixed"]),
        "train.sampling": st.sampled_from(["proportional", "balanced"]),
        "train.accumulate": st.sampled_from(["1", "2"]),
        "train.ema": st.sampled_from(["0", "0.9"]),
        "train.precision": st.sampled_from(["fp32", "bf16"]),
        "train.optimizer.name": st.sampled_from(["sgd", "adamw"]),
        "train.save_every": st.sampled_from(["0", "1"]),
    }
).map(lambda way: tuple(f"{name}={value}" for name, value in way.items()))
cuts = st.sets(st.integers(1, STEPS - 1), min_size=1, max_size=2).map(sorted)
workers = st.sampled_from([0, 0, 0, 1])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """Runs that are not cut, each made once, and where the others find their data."""
    torch.set_num_threads(1)
    root = prepare_tiny(tmp_path_factory.mktemp("data"), "cihp", "atr")

    @cache
    def run_of(way):
        run = tmp_path_factory.mktemp("unbroken") / "run"
        train(*way, data__root=root, train__epochs=EPOCHS, train__batch_size=4, train__out=run)
        return run

    return root, run_of


def stop():
    os.kill(os.getpid(), signal.SIGTERM)


@settings(max_examples=6, derandomize=True)
@given(ways, cuts, st.data())
def test_cut_and_resumed(unbroken, tmp_path_factory, way, cuts, data):
    root, run_of = unbroken
    run = tmp_path_factory.mktemp("cut") / "run"
    where = {"data__root": root, "train__batch_size": 4, "train__epochs": EPOCHS}
    with pytest.raises(InterruptedRun, match=f"after step {cuts[0]}"):
        train(*way, **where, train__out=run, report=AfterSteps(cuts[0], stop))
    for _, later in pairwise([*cuts, STEPS + 1]):
        with suppress(InterruptedRun):
            hands = f"data.workers={data.draw(workers)}"
            resume(run, hands, report=AfterSteps(later, stop))
    assert_same_run(run, run_of(way))
