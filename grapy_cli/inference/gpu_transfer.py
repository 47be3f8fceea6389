"""Bringing arrays to a card and back while it works on others; on the CPU they stay where they are.

What lies in pinned memory, which the system never moves, a card copies by itself: no thread waits
for what it sends, and what comes back, which is larger, passes beside the work on later photos.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor of the CPU to where the network is; on CUDA without waiting for it."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def to_arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    """Bring tensors back from where the network is, waiting for nothing that comes after them."""
    device = tensors[0].device
    if device.type != "cuda":
        return tuple(tensor.cpu().numpy() for tensor in tensors)
    back = _way_back(device)
    back.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(back):
        brought = [_pinned(tensor) for tensor in tensors]
        arrived = torch.cuda.Event(blocking=True)  # the thread sleeps: others have work
        arrived.record(back)
    arrived.synchronize()
    return tuple(one.numpy() for one in brought)


def _pinned(tensor: Tensor) -> Tensor:
    empty = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return empty.copy_(tensor, non_blocking=True)


@cache
def _way_back(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
