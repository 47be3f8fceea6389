"""Read MATLAB files of versions 5 to 7, as far as annotations use them, with bounded memory.

SciPy reads more of the format, but a damaged file can crash its process.

Source: MathWorks, MAT-File Format.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

LARGEST = 1 << 28
"""Most bytes of all masks of a photo; the largest of PASCAL-Part has a quarter of it."""
MOST_ARRAYS = 1 << 17
DEEPEST = 16
"""Most levels of nested arrays; a part of an object of an annotation is at level 6."""

Value = np.ndarray | str | list["Value"] | list[dict[str, "Value"]]
"""Numbers, text, the items of a cell array, or those of a struct array by the names of fields."""

_HEADER = 128  # bytes; the last two tell the byte order
_MATRIX, _PACKED = 14, 15
_CELL, _STRUCT, _CHARACTERS = 1, 2, 4
_NUMBERS = range(6, 16)  # classes of arrays
_COMPLEX = 0x0800
# fmt: off
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
    16: "u1", 17: "u2", 18: "u4",
}
"""How numbers are stored; the type may be shorter than the class."""
# fmt: on
_ENCODED = {16: "utf-8", 17: "utf-16", 18: "utf-32"}


class _Element(NamedTuple):
    kind: int
    data: memoryview


def load_matlab(data: bytes) -> dict[str, Value]:
    """Read the variables of a file.

    Raises:
        ValueError: If the file is not MATLAB's, is damaged, or holds other things than numbers,
            text, cells and structs.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[_HEADER - 2 : _HEADER])
    if order is None:
        raise ValueError("it is not a MATLAB file of version 5 to 7")
    reader = _Reader(order)
    arrays = (reader.inflated(one) for one in reader.elements(memoryview(data)[_HEADER:]))
    return dict(reader.array(one, 0) for one in arrays)


class _Reader:
    def __init__(self, order: str) -> None:
        self._order = order
        self._left = MOST_ARRAYS

    def elements(self, data: memoryview) -> Iterator[_Element]:
        """Yield the elements in order."""
        at = 0
        while at + 8 <= len(data):
            kind, size = struct.unpack_from(f"{self._order}II", data, at)
            start = at + 8
            if kind >> 16:  # up to four bytes are stored in the tag itself
                kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            if start + size > len(data):
                raise ValueError("it ends too early")
            yield _Element(kind, data[start : start + size])
            at = start + size
            if kind != _PACKED:
                at += -at % 8

    def inflated(self, element: _Element) -> _Element:
        """Decompress an element if it is compressed."""
        if element.kind != _PACKED:
            return element
        unpack = zlib.decompressobj()
        try:
            data = unpack.decompress(element.data, LARGEST)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if unpack.unconsumed_tail:
            raise ValueError(f"it would be more than {LARGEST >> 20} MiB")
        return next(self.elements(memoryview(data)), _Element(0, memoryview(b"")))

    def array(self, element: _Element, depth: int) -> tuple[str, Value]:
        """Read an array and its name."""
        self._left -= 1
        if element.kind != _MATRIX or depth > DEEPEST or self._left < 0:
            raise ValueError("it holds other things than arrays, or too many arrays")
        if not element.data:  # how an empty array is written
            return "", np.empty((0, 0))
        parts = self.elements(element.data)
        flags = self._first(next(parts, None))
        shape = self._whole(next(parts, None))
        name = self._text(next(parts, None))
        if min(shape, default=0) < 0:
            raise ValueError("an array has a negative size")
        return name, self._value(flags, shape, parts, depth)

    def _value(self, flags: int, shape: list[int], parts: Iterator[_Element], depth: int) -> Value:
        kind, count = flags & 0xFF, math.prod(shape)
        match kind:
            case _ if kind in _NUMBERS and not flags & _COMPLEX:
                return self._numbers(next(parts, None)).reshape(shape, order="F")
            case _ if kind == _CHARACTERS:
                return self._text(next(parts, None))
            case _ if kind == _CELL:
                return [self.array(one, depth + 1)[1] for one in self._exactly(count, parts)]
            case _ if kind == _STRUCT:
                return self._structs(count, parts, depth)
        raise ValueError(f"it holds an array of class {kind}")

    def _structs(self, count: int, parts: Iterator[_Element], depth: int) -> list[dict[str, Value]]:
        length = self._first(next(parts, None))
        text = bytes(next(parts, _Element(0, memoryview(b""))).data)
        if not 0 < length <= 64:
            raise ValueError("the names of its fields are damaged")
        pieces = [text[at : at + length] for at in range(0, len(text), length)]
        names = [piece.partition(b"\0")[0].decode() for piece in pieces]
        values = iter(
            [self.array(one, depth + 1)[1] for one in self._exactly(count * len(names), parts)]
        )
        return [{name: next(values) for name in names} for _ in range(count if names else 0)]

    def _exactly(self, count: int, parts: Iterator[_Element]) -> list[_Element]:
        found = list(parts)
        if len(found) != count:
            raise ValueError(f"an array of {count} items has {len(found)}")
        return found

    def _numbers(self, element: _Element | None) -> np.ndarray:
        if element is None or element.kind not in _STORED:
            raise ValueError("an array ends too early")
        return np.frombuffer(element.data, f"{self._order}{_STORED[element.kind]}")

    def _whole(self, element: _Element | None) -> list[int]:
        return [int(number) for number in self._numbers(element).tolist()]

    def _first(self, element: _Element | None) -> int:
        return next(iter(self._whole(element)), 0)

    def _text(self, element: _Element | None) -> str:
        codes = self._numbers(element)
        if element is not None and element.kind in _ENCODED:
            ending = "" if element.kind == 16 else {"<": "-le", ">": "-be"}[self._order]
            return bytes(element.data).decode(_ENCODED[element.kind] + ending)
        return "".join(map(chr, codes.astype(np.uint16).tolist()))
