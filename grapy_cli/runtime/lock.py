"""Keeping two runs from working on one folder at the same time."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from grapy_cli.errors import SettingsError

try:
    import fcntl
except ImportError:  # Windows: there two runs are not kept apart
    fcntl = None  # type: ignore[assignment]


class LockedError(SettingsError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
    """Hold a lock file while the block runs; it is there only as long as somebody holds it.

    The lock is the system's, which lets go of it when its holder dies, however that comes: a file
    that a killed process left is simply taken over.

    Args:
        path: The file; its folder is made where it is missing.
        shared: Others may share it who ask for that too.
        wait: For whoever holds it, rather than to give up.

    Raises:
        LockedError: If another process holds it.
    """
    file = _take(path, shared=shared, wait=wait)
    try:
        yield
    finally:
        with file:
            if _lock(file, shared=False, wait=False):  # the last one takes the file away
                path.unlink(missing_ok=True)


def _take(path: Path, *, shared: bool, wait: bool) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = path.open("a+", encoding="utf-8")
        if not _lock(file, shared=shared, wait=wait):
            with file:
                file.seek(0)
                raise LockedError(
                    f"{path.parent} is being worked on by {file.read().strip() or 'another run'}",
                    hint="Wait for it, or name another folder by --out.",
                )
        if _is_still_at(path, file):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}\n")
            file.flush()
            return file
        file.close()  # its last holder took it away between our opening and locking it


def _lock(file: TextIO, *, shared: bool, wait: bool) -> bool:
    if fcntl is None:
        return True
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    try:
        fcntl.flock(file, how)
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
