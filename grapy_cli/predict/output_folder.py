"""Lock an output folder for one run, or for the shards of one."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from grapy_cli.predict.manifest import Manifest, Shard
from grapy_cli.runtime.lock import LockedError, locked

_LOCK = ".predict.lock"
_JOINING = ".manifest.lock"

# What `grapy_cli.atomic.replacing` calls a file it has not finished.
_UNFINISHED = re.compile(r"\..+\.\d+\.part")


@contextmanager
def open_folder(
    out: Path, sources: Sequence[str], shard: Shard, *, patience: float = 20.0
) -> Iterator[Manifest]:
    """Lock an output folder for a shard, and merge its rows into the manifest at the end.

    Args:
        out: The folder; created if it is missing.
        shard: Others of the same command may work beside it.
        patience: Seconds that a shard waits for another one that cleans the folder up.

    Raises:
        LockedError: If another run works on the folder, or this shard is being worked on.
        OSError: If it cannot be written to.
    """
    with ExitStack() as held:
        if shard.count == 1:
            held.enter_context(locked(out / _LOCK))
        else:
            held.enter_context(locked(out / _LOCK, shared=True, patience=patience))
            held.enter_context(locked(out / f".predict-{shard}.lock"))
        manifest = Manifest(out, sources, shard)
        try:
            yield manifest
        except BaseException:
            with suppress(OSError), joining(out):
                manifest.fold()
            raise


@contextmanager
def joining(out: Path) -> Iterator[None]:
    """Lock the manifest: shards that end at the same time write it one after the other."""
    with locked(out / _JOINING, patience=math.inf):
        yield


def tidy(out: Path, sources: Sequence[str]) -> None:
    """Merge the parts of killed runs and remove their unfinished files; not while others work.

    Raises:
        OSError: If the folder cannot be written to.
    """
    manifest = Manifest(out, sources, Shard())
    with suppress(LockedError), locked(out / _LOCK):
        if manifest.is_left_over():
            manifest.fold(everything=True)
            for path in out.rglob(".*.part"):
                if _UNFINISHED.fullmatch(path.name):
                    path.unlink(missing_ok=True)
