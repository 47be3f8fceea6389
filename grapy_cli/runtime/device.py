"""Choose the device, its threads, and measure its memory."""

import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from grapy_cli.errors import DeviceError


def pick_device(name: str, local_rank: int = 0) -> torch.device:
    """Return the device of a name.

    Args:
        name: auto, cpu, cuda, cuda:N or mps; auto takes CUDA, then MPS, then the CPU.
        local_rank: Which of this machine's GPUs a process of a distributed run takes.

    Raises:
        DeviceError: If there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            f"there is no kind of device called {name!r}", hint="Use auto, cpu, cuda or mps."
        ) from error
    if device.type == "cuda":
        return _cuda(device, local_rank)
    if device.type == "mps" and not _has_mps():
        raise DeviceError("this machine has no MPS device", hint="Use --device cpu.")
    if device.type not in ("cpu", "mps"):
        raise DeviceError(f"the device {name!r} is not supported", hint="Use cpu, cuda or mps.")
    return device


def set_threads(count: int) -> None:
    """Set the number of CPU threads of the network; 0 keeps torch's choice."""
    if count:
        torch.set_num_threads(count)


def use_one_thread() -> None:
    """Let torch use one CPU thread in this thread; threads that run already keep their number."""
    torch.set_num_threads(1)


@contextmanager
def kept_threads() -> Iterator[None]:
    """Restore how many CPU threads torch uses in threads that start later."""
    count = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(count)


def fair_threads(processes: int) -> int:
    """Return the CPU threads for each process of a machine.

    A single one gets torch's choice, 0, unless it may use fewer cores than torch sees, as in a
    container with a limit.
    """
    cores = usable_cores() // processes
    return max(1, cores) if processes > 1 or cores < torch.get_num_threads() else 0


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether the device ran out of memory. For CPU and MPS torch has no class of error."""
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(
        word in str(error) for word in words
    )


def peak_memory(device: torch.device) -> int | None:
    """Return the most bytes that tensors have taken on a CUDA device; None on other devices."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def resident_memory() -> int | None:
    """Return the most bytes of main memory that this process has taken; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def check_gpus(name: str, processes: int) -> None:
    """Check that each process of this machine has its own GPU, where GPUs are used.

    Raises:
        DeviceError: If there are fewer CUDA devices than processes.
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    is_cuda = name.partition(":")[0] == "cuda" or (name == "auto" and found)
    if is_cuda and processes > found:
        raise DeviceError(
            f"--gpus {processes} was asked for, but torch sees {found} CUDA devices",
            hint=f"Use --gpus {found}." if found else "Use --device cpu, or see `grapy doctor`.",
        )


def release_memory(device: torch.device) -> None:
    """Return cached GPU memory to the device, before something smaller is tried."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def usable_cores() -> int:
    """Return the CPU cores that this process may use, by its affinity and its cgroup's limit."""
    has_affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(cores, _cgroup_cores() or cores)


def _cgroup_cores(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the limit of a container, rounded up to whole cores; None where there is none."""
    files = (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"])  # versions 2 and 1
    for names in files:
        try:
            words = [word for name in names for word in (folder / name).read_text().split()]
            quota, period = map(int, words)
        except (OSError, ValueError):  # "max": no limit
            continue
        if quota > 0 and period > 0:
            return math.ceil(quota / period)
    return None


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _cuda(device: torch.device, local_rank: int) -> torch.device:
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = local_rank if device.index is None else device.index
    if index >= found:
        raise DeviceError(
            f"cuda:{index} was asked for, but torch sees {found} CUDA devices",
            hint="Use --device cpu, or install a CUDA build of torch; `grapy doctor` says more.",
        )
    torch.cuda.set_device(index)
    return torch.device("cuda", index)
