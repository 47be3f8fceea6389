"""Bringing arrays to a card and back while it works on others; on the CPU they stay where they are.

A card copies beside its work what lies in pinned memory, which the system never moves; and each
direction has a stream of its own, so that no copy waits for the photos before it.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor of the CPU to where the network is; on CUDA without waiting for it."""
    if device.type != "cuda":
        return tensor.to(device)
    there, here = _stream(device, "to"), torch.cuda.current_stream(device)
    with torch.cuda.stream(there):
        brought = tensor.pin_memory().to(device, non_blocking=True)
    here.wait_stream(there)
    brought.record_stream(here)  # its memory is not given away while work here may need it
    return brought


def to_arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    """Bring tensors back from where the network is, waiting for nothing that came after them."""
    device = tensors[0].device
    if device.type != "cuda":
        return tuple(tensor.cpu().numpy() for tensor in tensors)
    there, here = _stream(device, "from"), torch.cuda.current_stream(device)
    there.wait_stream(here)
    with torch.cuda.stream(there):
        brought = [_pinned(tensor) for tensor in tensors]
        arrived = torch.cuda.Event(blocking=True)  # the thread sleeps: others have work
        arrived.record(there)
    for tensor in tensors:
        tensor.record_stream(there)
    arrived.synchronize()
    return tuple(one.numpy() for one in brought)


def _pinned(tensor: Tensor) -> Tensor:
    empty = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return empty.copy_(tensor, non_blocking=True)


@cache
def _stream(device: torch.device, direction: str) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
