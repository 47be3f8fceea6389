"""Copy arrays to a GPU and back while it works on others; on the CPU nothing is copied.

A GPU copies pinned memory, which the system never moves, without help from the CPU. So no thread
waits for an upload, and downloads, which are larger, overlap with the work on later photos.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a CPU tensor to the device of the network; on CUDA without waiting for the copy."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def to_array(tensor: Tensor) -> np.ndarray:
    """Copy a tensor back to the CPU, and wait for no work that was queued after it."""
    device = tensor.device
    if device.type != "cuda":
        return tensor.cpu().numpy()
    stream = _download_stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        pinned.copy_(tensor, non_blocking=True)
        done = torch.cuda.Event(blocking=True)  # the thread sleeps, so that others can work
        done.record(stream)
    done.synchronize()
    return pinned.numpy()


@cache
def _download_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)
