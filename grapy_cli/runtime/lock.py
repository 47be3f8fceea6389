"""Lock files that keep two runs from working on one folder at the same time.

They are the locks of the operating system, shared or exclusive, without a library: the one that
torch installs has shared locks only in an SQLite file, which network file systems do not support.
"""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from grapy_cli.errors import SettingsError

try:
    import fcntl
except ImportError:  # Windows: it has no such locks, so two runs are not kept apart
    fcntl = None  # type: ignore[assignment]

_PAUSE = 0.05  # seconds between two attempts


class LockedError(SettingsError):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, *, shared: bool = False, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock file while the block runs. The last holder removes the file.

    It also removes the folders that were made for the lock and are still empty, so work that fails
    at once leaves nothing behind. The system releases the lock when its holder dies; the file of a
    killed process is taken over.

    Args:
        path: The file; a missing folder is made.
        shared: Let other shared holders in.
        patience: Seconds to wait for the holder.

    Raises:
        LockedError: If another process holds it.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    try:
        with _held(path, shared=shared, until=until) if fcntl else nullcontext():
            yield
    finally:
        with suppress(OSError):  # it is not empty
            for folder in made:
                folder.rmdir()


@contextmanager
def _held(path: Path, *, shared: bool, until: float) -> Iterator[None]:
    with _take(path, shared=shared, until=until) as file:
        try:
            yield
        finally:
            if _lock(file, shared=False):  # the last holder removes the file
                path.unlink(missing_ok=True)


def _take(path: Path, *, shared: bool, until: float) -> TextIO:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+", encoding="utf-8")
        except FileNotFoundError:  # its last holder removed the folder in between
            continue
        is_ours = _lock(file, shared=shared)
        if is_ours and _is_still_at(path, file):
            _sign(file)
            return file
        file.seek(0)
        holder = file.read().strip()
        file.close()
        if is_ours:  # its last holder removed it between our opening and locking it
            continue
        if time.monotonic() >= until:
            raise LockedError(
                f"{path.parent} is being worked on by {holder or 'another run'}",
                hint="Wait for it, or name another folder.",
            )
        time.sleep(_PAUSE)


def _sign(file: TextIO) -> None:
    """Write the holder into the file; on a full disk the lock works without."""
    with suppress(OSError):
        file.truncate(0)
        os.write(file.fileno(), f"process {os.getpid()} on {platform.node()}\n".encode())


def _lock(file: TextIO, *, shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks must not prevent all work
    return True


def _is_still_at(path: Path, file: TextIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
