"""Peak memory of the process and of the GPU."""

from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def forget_peak(device: torch.device) -> None:
    """Reset the peaks to the memory in use now, where the system can do that."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        _RESET.write_text(
            "5", encoding="ascii"
        )  # see proc(5): this resets only the high-water mark
    except OSError:
        return  # the peak since the process started stays


def process_peak() -> int | None:
    """Return the peak bytes of this process, including libraries; None except on Linux."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    marks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return marks[0] if marks else None


def gpu_peak(device: torch.device) -> int | None:
    """Return the peak bytes of GPU memory that torch used; None without a GPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
