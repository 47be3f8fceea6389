from dataclasses import dataclass

import pytest

from grapy_cli.settings.derive import derive
from grapy_cli.settings.sections import LossSettings, TrainSettings


@dataclass(frozen=True)
class Numbers:
    epochs: int
    coarse: float
    other: str = "own"
    lr: float = 0.0


def test_fields_are_found_by_their_names():
    train, loss = TrainSettings(epochs=3, lr=0.5), LossSettings(coarse=0.25)
    assert derive(Numbers, train, loss) == Numbers(3, 0.25, "own", 0.5)
    assert derive(Numbers, train, loss, lr=1.0, other="said").lr == 1.0
    with pytest.raises(TypeError, match="coarse"):
        derive(Numbers, train)


def test_a_function_is_called_alike():
    def double(epochs, *, lr=1.0):
        return 2 * epochs, lr

    assert derive(double, TrainSettings(epochs=3, lr=0.5)) == (6, 0.5)
