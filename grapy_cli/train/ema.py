"""The exponential moving average (EMA) of a network's weights."""

import torch
from torch import nn


class ExponentialMovingAverage:
    """An exponential moving average of a network's state; it parses better than the last state.

    Args:
        decay: Weight of the past per step; it starts lower, so that the first states count less.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the state after a step, counted from 0."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value.detach(), share)
            else:
                self.state[key].copy_(value)
