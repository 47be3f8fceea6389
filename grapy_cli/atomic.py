"""Writing without ever leaving half a file: beside the target first, then renamed over it.

And the digest of what was written.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path`, free to write to, that takes its place when the block ends well.

    The folder is made where it is missing. Whatever stood at `path` stays until the new file is
    complete; when the block raises, it stays for good and nothing is left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{_short(path.name)}.{os.getpid()}.part")  # the id: of two processes
    beside.unlink(missing_ok=True)
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _short(name: str) -> str:
    """Leave room for more in the 255 bytes of a file's name; two names stay two names."""
    told = os.fsencode(name)
    return name if len(told) <= 180 else hashlib.sha256(told).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a whole text file in one step that cannot be seen half done."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def file_digest(path: Path) -> str:
    """The sha256 of a file, 64 hex digits; it is never in memory as a whole."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
