"""What fp16 has learned of its scale outlives a stop; CUDA alone trains so, any device saves."""

import pytest
import torch

from grapy_cli.model.weights import card_of
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.checkpoints import CheckpointFolder, Progress, Trained
from tests.support.networks import tiny_network


def trained_with(**scaling):
    network = tiny_network(["atr"])
    scaler = torch.amp.GradScaler("cpu", **scaling)
    return Trained(network, torch.optim.SGD(network.parameters(), 0.1), None, scaler)


@pytest.fixture
def checkpoints(tmp_path):
    """Of a run whose scale was halved thrice, the last time seven steps ago."""
    trained = trained_with()
    card = card_of(trained.network, name="tiny", grapy="0", stage="joint")
    folder = CheckpointFolder(RunFolder(tmp_path), lambda step: card)
    state = trained.scaler.state_dict()
    trained.scaler.load_state_dict(state | {"scale": 8192.0, "_growth_tracker": 7})
    folder.save(trained, Progress(step=9), "last")
    return folder


def test_the_scale_is_gone_on_with(checkpoints):
    trained = trained_with()
    assert checkpoints.load(trained) == Progress(step=9)
    state = trained.scaler.state_dict()
    assert (state["scale"], state["_growth_tracker"]) == (8192.0, 7)
    assert isinstance(state["_growth_tracker"], int)
    assert trained.scaler.scale(torch.ones(())).item() == 8192


def test_a_run_may_go_on_in_another_precision(checkpoints):
    checkpoints.load(trained_with(enabled=False))
    checkpoints.save(trained_with(enabled=False), Progress(step=10), "last")
    fresh = trained_with()
    assert checkpoints.load(fresh) == Progress(step=10)
    assert fresh.scaler.get_scale() == 65536
