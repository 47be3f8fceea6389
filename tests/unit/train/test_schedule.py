import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.train.schedule import PolySchedule
from tests.support.parity import FOLDER, needs_parity


@needs_parity
def test_every_ten_epochs_as_the_reference():
    recorded = json.loads((FOLDER / "dev" / "lr_schedule.json").read_text())
    assert recorded
    for name, rates in recorded.items():
        base, epochs, every = (
            float(word.lstrip("abcdefghijklmnopqrstuvwxyz")) for word in name.split("_")
        )
        schedule = PolySchedule(base, 7, int(epochs), every_epochs=int(every))
        for epoch, rate in enumerate(rates):
            # The reference sets the rate before the epoch's first step; so do all its steps here.
            ours = [schedule.rate(7 * epoch + step) for step in range(7)]
            assert ours == pytest.approx([rate] * 7, rel=1e-9), (name, epoch)


def test_at_every_step_as_the_paper():
    schedule = PolySchedule(0.007, 10, 100)
    assert schedule.rate(0) == 0.007
    assert schedule.rate(500) == pytest.approx(0.007 * 0.5**0.9)
    assert schedule.rate(999) == pytest.approx(0.007 * 0.001**0.9)
    assert schedule.rate(1000) == 0


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 10), st.floats(0, 3))
def test_it_never_rises_after_the_warmup(steps, epochs, every, power):
    schedule = PolySchedule(0.1, steps, epochs, power, every_epochs=every)
    rates = [schedule.rate(step) for step in range(steps * epochs)]
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] <= rates[0] == 0.1 or power > 0


def test_warmup_rises_evenly():
    schedule = PolySchedule(1.0, 100, 10, warmup=4)
    assert [schedule.rate(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert schedule.rate(4) < 1
