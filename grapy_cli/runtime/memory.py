"""How much memory this machine, this container or this GPU has left."""

from collections.abc import Iterator
from pathlib import Path

import torch

_MEMINFO = Path("/proc/meminfo")
_OWN_CGROUPS = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")


def free_memory(device: torch.device) -> int | None:
    """Return the bytes that this process can still take on a device; None if it is unknown.

    For the CPU that is the least of what the machine has and what each control group of the process
    (a container's limit) allows.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type != "cpu":
        return None
    return min((*_machine(), *cgroup_room(_OWN_CGROUPS, _CGROUPS)), default=None)


def _machine() -> Iterator[int]:
    for line in lines_of(_MEMINFO):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024


def cgroup_room(own: Path, root: Path) -> Iterator[int]:
    """Give the bytes that each limited control group of this process has left.

    Args:
        own: The file that names the groups, as /proc/self/cgroup.
        root: Where the groups are mounted; a container sees its own group there.
    """
    for line in lines_of(own):
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2
            files, mount = ("memory.max", "memory.current"), root
        elif "memory" in controllers.split(","):
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            mount = root / "memory"
        else:
            continue
        parts = Path(path.lstrip("/")).parts
        for depth in range(len(parts) + 1):
            group = mount.joinpath(*parts[:depth])
            limit, used = (_number(group / name) for name in files)
            if limit is not None and used is not None:
                yield max(0, limit - used + _reclaimable(group))


def _reclaimable(group: Path) -> int:
    """Return the bytes of cached files, which the system gives up for programs."""
    names = ("inactive_file", "total_inactive_file")
    rows = dict(line.split() for line in lines_of(group / "memory.stat") if line.count(" ") == 1)
    return max((int(rows[name]) for name in names if name in rows), default=0)


def _number(file: Path) -> int | None:
    """Return the number in a file; None where there is none, as "max" for no limit."""
    lines = lines_of(file)
    return int(lines[0]) if lines and lines[0].isdecimal() else None


def lines_of(file: Path) -> list[str]:
    """Return the lines of a file of the system; none where it cannot be read, as outside Linux."""
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
