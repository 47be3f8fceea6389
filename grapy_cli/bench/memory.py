"""The most memory that a piece of work needed."""

from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def forget_peak(device: torch.device) -> None:
    """Let the peaks begin anew from what is in use now, as far as the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    try:
        _RESET.write_text("5", encoding="ascii")  # see proc(5): the high-water mark alone
    except OSError:
        return  # the peak is then that of the process since it began


def process_peak() -> int | None:
    """Bytes of this process at its peak, libraries included; None where only Linux would know."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    marks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return marks[0] if marks else None


def gpu_peak(device: torch.device) -> int | None:
    """Bytes of a card's memory that torch had in use at its peak; None where there is no card."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
