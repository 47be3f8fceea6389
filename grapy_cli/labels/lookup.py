"""Look up a name among what ships with grapy, or read a file of the user (`*.toml`)."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from grapy_cli.errors import DatasetError

Found = TypeVar("Found")


def look_up(
    name: str, shipped: Mapping[str, Found], read: Callable[[Path], Found], what: str
) -> Found:
    """Return the entry of that name, or the content of its file.

    Args:
        what: The kind of entry, for messages: "label set".

    Raises:
        DatasetError: If nothing has that name, or the file cannot be used.
    """
    if name in shipped:
        return shipped[name]
    if name.endswith(".toml"):
        return read(Path(name))
    close = difflib.get_close_matches(name, shipped, n=1)
    raise DatasetError(
        f"there is no {what} {name!r}",
        hint=f"Did you mean {close[0]}?"
        if close
        else f"Known are {', '.join(shipped)}; your own is read from a .toml file.",
    )
