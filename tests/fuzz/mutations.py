"""Damage: what falls on a file on its way, and what somebody does to it on purpose."""

import struct
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

# Where readers go wrong: none, one, the ends of each width, signs, and what ends text or a string.
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_WORDS = (
    *(b"\0", b"\n", b"\x1b[2J", b"\xff", b"\xed\xb2\x80", b'"', b"[" * 2000, b'{"a":' * 400),
    *(b"null", b"NaN", b"-1", b"1e999", b"9" * 5000, b"../../x", b"true", b"[]", b"{}"),
)
_PLACE = st.floats(0, 1, exclude_max=True)
_LENGTH = st.one_of(st.integers(1, 16), st.integers(1, 4000))

Edit = Callable[[bytes], bytes]


def damaged(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the files with up to four edits, or part of one behind part of another."""
    file = st.sampled_from(list(seeds))
    edited = st.builds(_apply, file, st.lists(_edits(), min_size=1, max_size=4))
    spliced = st.builds(
        lambda a, b, at, to: _cut(a, at)[0] + _cut(b, to)[1], file, file, _PLACE, _PLACE
    )
    return st.one_of(edited, edited, edited, spliced)


def _edits() -> st.SearchStrategy[Edit]:
    number = st.builds(
        lambda form, value: struct.pack(form, value & ((1 << 8 * struct.calcsize(form)) - 1)),
        st.sampled_from(["B", "<H", ">H", "<I", ">I", "<Q", ">Q"]),
        st.one_of(st.sampled_from(_NUMBERS), st.integers(0, 2**64 - 1)),
    )
    return st.one_of(
        st.builds(_flip, _PLACE, st.integers(0, 7)),
        st.builds(_overwrite, _PLACE, number),
        st.builds(_overwrite, _PLACE, st.binary(min_size=1, max_size=8)),
        st.builds(_insert, _PLACE, st.sampled_from(_WORDS)),
        st.builds(_remove, _PLACE, _LENGTH),
        st.builds(_repeat, _PLACE, _LENGTH, st.sampled_from([1, 2, 50])),
        st.builds(lambda at: lambda data: _cut(data, at)[0], _PLACE),
    )


def _apply(data: bytes, edits: Sequence[Edit]) -> bytes:
    for edit in edits:
        data = edit(data)
    return data


def _cut(data: bytes, place: float) -> tuple[bytes, bytes]:
    at = int(place * len(data))
    return data[:at], data[at:]


def _flip(place: float, bit: int) -> Edit:
    def edit(data: bytes) -> bytes:
        head, tail = _cut(data, place)
        return head + bytes([tail[0] ^ 1 << bit]) + tail[1:] if tail else head

    return edit


def _overwrite(place: float, what: bytes) -> Edit:
    def edit(data: bytes) -> bytes:
        head, tail = _cut(data, place)
        return head + what + tail[len(what) :]

    return edit


def _insert(place: float, what: bytes) -> Edit:
    def edit(data: bytes) -> bytes:
        head, tail = _cut(data, place)
        return head + what + tail

    return edit


def _remove(place: float, length: int) -> Edit:
    def edit(data: bytes) -> bytes:
        head, tail = _cut(data, place)
        return head + tail[length:]

    return edit


def _repeat(place: float, length: int, times: int) -> Edit:
    def edit(data: bytes) -> bytes:
        head, tail = _cut(data, place)
        return head + tail[:length] * times + tail

    return edit
