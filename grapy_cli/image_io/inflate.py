"""Read a gzip file at any offset, without unpacking it to disk."""

import io
import threading
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO

MOST_AT_ONCE = 1 << 20  # bytes; the longest names and headers have some thousands
CHUNK = 1 << 16  # bytes read from the file at once
MARK_EVERY = 1 << 20  # inflated bytes between two restart points
MOST_MARKS = 1024  # of 40 KB each; if there are more, every second one is dropped
GZIP = 31  # zlib's number for "with the header of gzip, and its checksum"


ReadAt = Callable[[int, int], bytes]
"""Reads some bytes, given the offset of the first and their number; fewer at the end."""


class Stream(io.RawIOBase):
    """A file interface with a position, as `tarfile` needs, for data that is read by offset."""

    def __init__(self, read_at: ReadAt) -> None:
        self._read_at = read_at
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes.

        Raises:
            ValueError: If the size is larger than any header of an archive.
        """
        if not 0 <= size <= MOST_AT_ONCE:
            raise ValueError(f"a header of a member has {size >> 10} KiB")
        data = self._read_at(self._at, size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; nothing is read yet.

        Raises:
            ValueError: If it lies before the start.
        """
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the length of a stream is not known")
        self._at = offset + (self._at if whence == io.SEEK_CUR else 0)
        if self._at < 0:
            raise ValueError("it points before the start of the archive")
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at


@dataclass(eq=False)
class _Cursor:
    """A restart point in the stream."""

    offset: int
    """Offset in the inflated stream."""
    position: int
    """Offset in the file of the next bytes to inflate."""
    inflate: Any
    pending: bytes = b""

    def copy(self) -> "_Cursor":
        return _Cursor(self.offset, self.position, self.inflate.copy(), self.pending)


class GzipStream:
    """The inflated stream of a gzip file.

    It keeps restart points along the stream and at the latest reads: several threads may read
    photos and label maps in any order.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._apart = MARK_EVERY
        self._marks = [_Cursor(0, 0, zlib.decompressobj(GZIP))]
        self._recent: deque[_Cursor] = deque(maxlen=16)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes at an offset of the inflated stream; fewer at its end."""
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
        """Keep a restart point, unless bytes are pending that would have to be kept as well."""
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
        """Return the nearest restart point before an offset."""
        by_offset = attrgetter("offset")
        mark = max((one for one in self._marks if one.offset <= offset), key=by_offset)
        before = (one for one in self._recent if one.offset <= offset)
        live = max(before, key=by_offset, default=mark)
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
                if not cursor.pending.strip(b"\0"):  # padding with zeros, as on tapes
                    cursor.pending = b""
                    continue
                cursor.inflate = zlib.decompressobj(GZIP)
            data = cursor.inflate.decompress(cursor.pending, size)
            rest = cursor.inflate.unused_data if cursor.inflate.eof else None
            cursor.pending = cursor.inflate.unconsumed_tail if rest is None else rest
        cursor.offset += len(data)
        self._remember(cursor)
        return data
