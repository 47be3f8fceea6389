"""Text that others wrote: read within bounds, and shown without what would act on a terminal."""

import codecs
import json
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LARGEST = 1 << 24
"""Bytes of a text that is read at once; 16 MiB hold a list of hundreds of thousands of names."""

# Control characters, and halves of characters: bytes of file names that are not text.
_ACTING = frozenset({"Cc", "Cs"})
# They turn the order of what stands around them, so that a name reads as another one.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def read_text(path: Path) -> str:
    r"""Read a whole text file, UTF-8, or UTF-16 where a byte order mark says so.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not text, far too long, or its name has a `\0`.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it has more than {LARGEST >> 20} MiB, which no such file has")
    return decode_text(data)


def decode_text(data: bytes) -> str:
    """Decode UTF-8, or UTF-16 where a byte order mark says so; the mark is left out.

    Raises:
        ValueError: If it is neither.
    """
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8 or UTF-16; save it as UTF-8") from error


def download_mistake(path: Path) -> str:
    """Describe what a failed download left instead of a file; empty for any other file."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            head = file.read(1024).lstrip().lower()
    except OSError:
        return ""
    if not head:
        return "it is empty"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself: `git lfs pull` fetches that"
    if head.startswith((b"<!doctype html", b"<html")):
        return "it is a web page: download the file that the page links to"
    return ""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no TOML, or as in `read_text`.
    """
    table: dict[str, Any] = _parse(path, tomllib.loads)
    return table


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """Read a JSON file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no JSON, or as in `read_text`.
    """
    return _parse(path, json.loads)


def _parse(path: Path, loads: Callable[[str], Any]) -> Any:  # noqa: ANN401 - any value
    try:
        return loads(read_text(path))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read_row(line: str | bytes) -> dict[str, Any] | None:
    """Read a row of a file of JSON lines; None where a killed process left no whole row."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def write_row(row: Mapping[str, Any]) -> str:
    """Write a row of JSON: letters as they are, and what would act on a terminal as an escape."""
    text = json.dumps(row, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(f"\\u{ord(char):04x}" if _acts(char) else char for char in text)


def spelled(text: str, *, keep: str = "") -> str:
    r"""Spell out, as `\x1b`, what would act on a terminal instead of being read.

    File names may hold anything: escape sequences, line breaks, bytes that are not text.

    Args:
        keep: Characters that stay as they are: the line breaks of a message.
    """
    if text.isprintable() and text.isascii():
        return text
    return "".join(char if char in keep or not _acts(char) else _escape(char) for char in text)


def is_name(text: str) -> bool:
    """Tell whether a name can stand in a list, a file name and a page as it is."""
    return bool(text) and text == text.strip() and text == spelled(text)


def _acts(char: str) -> bool:
    return char in _TURNING or unicodedata.category(char) in _ACTING


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
