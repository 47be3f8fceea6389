"""Keeping two runs from working on one folder at the same time."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from grapy_cli.errors import SettingsError

try:
    import fcntl
except ImportError:  # Windows: there two runs are not kept apart
    fcntl = None  # type: ignore[assignment]

_PAUSE = 0.05  # seconds between two attempts


class LockedError(SettingsError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, shared: bool = False, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock file while the block runs; it is there only as long as somebody holds it.

    Folders that were made for it alone go with it: work that fails at once leaves nothing behind.

    The lock is the system's, which lets go of it when its holder dies, however that comes: a file
    that a killed process left is simply taken over.

    Args:
        path: The file; its folder is made where it is missing.
        shared: Others may share it who ask for that too.
        patience: Seconds to wait for whoever holds it.

    Raises:
        LockedError: If another process holds it.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    file = _take(path, shared=shared, until=time.monotonic() + patience)
    try:
        yield
    finally:
        with file:
            if _lock(file, shared=False):  # the last one takes the file away
                path.unlink(missing_ok=True)
        with suppress(OSError):  # something was put there
            for folder in made:
                folder.rmdir()


def _take(path: Path, *, shared: bool, until: float) -> TextIO:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+", encoding="utf-8")
        except FileNotFoundError:  # its last holder took the folder away in between
            continue
        is_ours = _lock(file, shared=shared)
        if is_ours and _is_still_at(path, file):
            _sign(file)
            return file
        file.seek(0)
        holder = file.read().strip()
        file.close()
        if is_ours:  # its last holder took it away between our opening and locking it
            continue
        if time.monotonic() >= until:
            raise LockedError(
                f"{path.parent} is being worked on by {holder or 'another run'}",
                hint="Wait for it, or name another folder.",
            )
        time.sleep(_PAUSE)


def _sign(file: TextIO) -> None:
    """Write down who holds it; on a full disk the lock holds without."""
    with suppress(OSError):
        file.truncate(0)
        os.write(file.fileno(), f"process {os.getpid()} on {platform.node()}\n".encode())


def _lock(file: TextIO, *, shared: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks should not keep anybody from working
    return True


def _is_still_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
