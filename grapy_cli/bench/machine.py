"""The machine on which figures were measured."""

import platform
from pathlib import Path

import torch

from grapy_cli import __version__
from grapy_cli.runtime.device import usable_cores


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
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
