"""Reading a gzip file from any place in it, without writing it out."""

import io
import threading
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

MOST_AT_ONCE = 1 << 20  # bytes; the longest of names and notes has some thousands
CHUNK = 1 << 16  # bytes read of the file at once
MARK_EVERY = 1 << 20  # inflated bytes between two places that are remembered
MOST_MARKS = 1024  # of 40 KB each; beyond, every second one is forgotten
GZIP = 31  # zlib's number for "with the header of gzip, and its checksum"


ReadAt = Callable[[int, int], bytes]
"""Reads some bytes, given the offset of the first and their number; fewer at the end."""


class Stream(io.RawIOBase):
    """What can be read from any place as a file to read on in, which is how `tarfile` reads."""

    def __init__(self, read_at: ReadAt) -> None:
        self._read_at = read_at
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            ValueError: If that is more than an archive says of one of its members.
        """
        if not 0 <= size <= MOST_AT_ONCE:
            raise ValueError(f"it says {size >> 10} KiB of a member")
        data = self._read_at(self._at, size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; nothing is read before somebody asks for it.

        Raises:
            ValueError: If it lies before the start.
        """
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the length of a stream is not known")
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        if self._at < 0:
            raise ValueError("it leads to a place before its start")
        return self._at

    def tell(self) -> int:
        """Where reading goes on."""
        return self._at


@dataclass(eq=False)
class _Cursor:
    """A place in the stream from which reading can go on."""

    offset: int
    """In the inflated stream."""
    position: int
    """In the file, of the next bytes to inflate."""
    inflate: Any
    pending: bytes = b""

    def copy(self) -> "_Cursor":
        return _Cursor(self.offset, self.position, self.inflate.copy(), self.pending)


class GzipStream:
    """The inflated stream of a gzip file.

    Places along the stream are remembered, and those that were read last: photos and label maps
    may be read side by side, in any order, by several threads at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._apart = MARK_EVERY
        self._marks = [_Cursor(0, 0, zlib.decompressobj(GZIP))]
        self._recent: deque[_Cursor] = deque(maxlen=16)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return some bytes from a place of the inflated stream; fewer at its end."""
        with self._lock:
            cursor = self._nearest(offset)
        with self._path.open("rb") as file:
            while cursor.offset < offset:
                if not self._take(file, cursor, min(CHUNK, offset - cursor.offset)):
                    break
            pieces = []
            while size > 0 and (piece := self._take(file, cursor, size)):
                pieces.append(piece)
                size -= len(piece)
        with self._lock:
            self._recent.append(cursor)
        return b"".join(pieces)

    def _remember(self, cursor: _Cursor) -> None:
        """Keep a place to start from, where no bytes wait that would have to be kept with it."""
        if cursor.pending:
            return
        with self._lock:
            if cursor.offset - self._marks[-1].offset < self._apart:
                return
            self._marks.append(cursor.copy())
            if len(self._marks) > MOST_MARKS:
                self._marks = self._marks[::2]
                self._apart *= 2

    def _nearest(self, offset: int) -> _Cursor:
        """The open place or remembered mark that is closest before an offset."""
        mark = max((one for one in self._marks if one.offset <= offset), key=_offset)
        live = max((one for one in self._recent if one.offset <= offset), key=_offset, default=mark)
        if live.offset <= mark.offset:
            return mark.copy()
        self._recent.remove(live)
        return live

    def _take(self, file: BinaryIO, cursor: _Cursor, size: int) -> bytes:
        """Inflate at most `size` bytes; none at the end of the stream."""
        data = b""
        while not data:
            if not cursor.pending:
                file.seek(cursor.position)
                cursor.pending = file.read(CHUNK)
                cursor.position += len(cursor.pending)
                if not cursor.pending:
                    if cursor.inflate.eof or not cursor.position:
                        return b""
                    raise EOFError("the file ends too early")
            if cursor.inflate.eof:  # several gzip files in a row are one stream
                if not cursor.pending.strip(b"\0"):  # tapes are filled up with zeros
                    cursor.pending = b""
                    continue
                cursor.inflate = zlib.decompressobj(GZIP)
            data = cursor.inflate.decompress(cursor.pending, size)
            rest = cursor.inflate.unused_data if cursor.inflate.eof else None
            cursor.pending = cursor.inflate.unconsumed_tail if rest is None else rest
        cursor.offset += len(data)
        self._remember(cursor)
        return data


def _offset(cursor: _Cursor) -> int:
    return cursor.offset
