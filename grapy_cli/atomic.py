"""Write files so that no half file is ever seen: first beside the target, then renamed over it.

Also the digest of a file.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; the file replaces `path` when the block ends without an error.

    A missing folder is made. An earlier file at `path` stays until the new one is complete. If the
    block raises, the earlier file stays and the new one is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{_short(path.name)}.{os.getpid()}.part")  # two processes may write
    beside.unlink(missing_ok=True)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _short(name: str) -> str:
    """Keep a name short enough that more fits into the 255 bytes of a file name."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= 180 else hashlib.sha256(encoded).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file in UTF-8, in one step; it has the same bytes on every system."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits. The file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
