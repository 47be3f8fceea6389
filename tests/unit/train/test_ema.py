import pytest
import torch
from torch import nn

from grapy_cli.train.ema import ExponentialMovingAverage


def network_of(value):
    network = nn.BatchNorm1d(1)
    with torch.no_grad():
        network.weight.fill_(value)
    return network


def test_a_running_average_starts_as_the_network():
    average = ExponentialMovingAverage(network := network_of(3.0), 0.9)
    assert average.state["weight"].item() == 3
    network.weight.data.fill_(5)
    assert average.state["weight"].item() == 3


def test_a_running_average_forgets_its_beginning():
    """Its decay is 0.1, 2/11, 3/12, ... until the one asked for is reached."""
    average = ExponentialMovingAverage(network := network_of(0.0), 0.2)
    network.weight.data.fill_(1)
    expected = 0.0
    for step, decay in enumerate((1 / 10, 2 / 11, 0.2, 0.2)):
        average.update(network, step)
        expected = decay * expected + (1 - decay)
        assert average.state["weight"].item() == pytest.approx(expected)


def test_counters_are_taken_as_they_are():
    average = ExponentialMovingAverage(network := network_of(0.0), 0.99)
    network.num_batches_tracked.fill_(7)
    average.update(network, 0)
    assert average.state["num_batches_tracked"].item() == 7
