"""What ships under a name, or a file of the user's own (`*.toml`) read in its place."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from grapy_cli.errors import DatasetError

Found = TypeVar("Found")


def look_up(
    name: str, shipped: Mapping[str, Found], read: Callable[[Path], Found], what: str
) -> Found:
    """Return what has that name, or what its file holds.

    Args:
        name: As it was typed.
        shipped: By name.
        read: Reads a file.
        what: Says what is looked for: "label set".

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
