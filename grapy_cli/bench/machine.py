"""The machine on which figures are measured, and the peak memory of this process."""

import platform
from pathlib import Path

import torch

from grapy_cli import __version__
from grapy_cli.runtime.device import usable_cores
from grapy_cli.runtime.memory import lines_of

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def describe_machine() -> dict[str, str | int]:
    """Return what figures depend on apart from settings and photos."""
    return {
        "cpu": _cpu(),
        "cores": usable_cores(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "grapy": __version__,
    }


def _cpu() -> str:
    """Return the processor's name; on Linux from a file, as Python returns nothing there."""
    lines = [line for line in lines_of(Path("/proc/cpuinfo")) if line.startswith("model name")]
    names = [line.partition(":")[2].strip() for line in lines]
    return names[0] if names else platform.processor() or platform.machine()


def forget_peak(device: torch.device) -> None:
    """Reset the peaks to the memory in use now, where the system can do that."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        _RESET.write_text("5", encoding="ascii")  # proc(5): only the high-water mark
    except OSError:
        return  # the peak since the process started stays


def process_peak() -> int | None:
    """Return the peak bytes of this process, including libraries; None except on Linux."""
    lines = [line for line in lines_of(_STATUS) if line.startswith("VmHWM:")]
    marks = [int(line.split()[1]) * 1024 for line in lines]
    return marks[0] if marks else None
