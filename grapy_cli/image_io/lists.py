"""Lists of photos as people and programs write them: one a line, in a text file."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_TRAILING_COMMENT = re.compile(r"\s+#.*$")
_FIELD_END = re.compile(r"\s*[,;\t]|\s+")
_QUOTES = "\"'"


def list_entries(text: str) -> list[str]:
    """Return the entries of a list without blank lines and without quotes around a name.

    Comments are still among them: a photo may be called `#1.jpg`. See `is_comment`.
    """
    lines = (line.strip() for line in _LINE_ENDS.split(text))
    return [_unquoted(line) for line in lines if line]


def spellings(entry: str) -> Iterator[str]:
    """Yield what an entry may name, the likeliest first.

    That is the entry as it is, with slashes for backslashes, without a comment behind it, and its
    first field, for lists of photos and label maps and for CSV files.
    """
    slashed = entry.replace("\\", "/")
    uncommented = _TRAILING_COMMENT.sub("", slashed)
    first = _unquoted(_FIELD_END.split(uncommented, maxsplit=1)[0])
    yield from dict.fromkeys((entry, slashed, uncommented, first))


def is_comment(entry: str) -> bool:
    """Tell whether an entry that names nothing is a comment."""
    return entry.startswith("#")


def is_header(entry: str) -> bool:
    """Tell whether the first entry of a CSV file names its columns: no field has a suffix."""
    fields = re.split(r"[,;\t]", entry)
    return len(fields) > 1 and not any(PurePosixPath(field).suffix for field in fields)


def _unquoted(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES
    return text[1:-1] if is_quoted else text
