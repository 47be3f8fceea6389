"""The memory of an output folder: a row for each photo that is done, and for each that failed.

While a run works, its rows go to a part of its own, a hidden file that only grows; when it ends the
part is folded into the manifest, whose rows stand in the order of the photos. What a killed run
left behind is folded in by the next.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from grapy_cli.errors import SettingsError
from grapy_cli.jsonl import Line, Log, read_lines, write_lines

MANIFEST = "manifest.jsonl"
FAILURES = "failures.jsonl"

Row = dict[str, Any]


@dataclass(frozen=True)
class Shard:
    """One of several equal shares of the work."""

    index: int = 0
    """From 0."""
    count: int = 1

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Read "2/3", the second of three.

        Raises:
            SettingsError: If there is no such share.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise SettingsError(
                f"there is no shard {text!r}", hint="--shard 2/3 is the second of three."
            )
        return cls(int(number) - 1, int(count))

    def split(self, index: int, count: int) -> "Shard":
        """Share this share out again among so many."""
        return Shard(self.index + index * self.count, self.count * count)

    def __str__(self) -> str:
        return f"{self.index + 1}-of-{self.count}"


@dataclass(frozen=True)
class Rows:
    """The rows of a file, read anew whenever they are gone through; none where it is not there."""

    path: Path

    def __iter__(self) -> Iterator[Row]:
        return (line.row for line in self.lines())

    def lines(self) -> Iterator[Line]:
        """The lines that hold rows.

        Others are passed over: one that a kill cut off, one of another version that says less, or
        one that names files which lie elsewhere.
        """
        return (line for line in read_lines(self.path) if is_row(line.row))


def is_row(row: Row) -> bool:
    """Tell whether a row holds what is read of it: everything of a photo, or why it failed."""
    wanted = _FAILED if "reason" in row else _DONE
    return all(is_fit(row.get(name)) for name, is_fit in wanted.items())


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_side(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _are_shares(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_share, value.values()))


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _is_share_or_absent(value: object) -> bool:
    return value is None or _is_share(value)


def _are_inside(value: object) -> bool:
    """Whether they are files of the output folder: no row may lead out of it."""
    return isinstance(value, list) and all(
        isinstance(file, str) and "\0" not in file and _stays(PurePosixPath(file)) for file in value
    )


def _stays(path: PurePosixPath) -> bool:
    return not path.is_absolute() and ".." not in path.parts


_FAILED: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {"source": _is_text, "reason": _is_text}
)
_DONE: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "source": _is_text,
        "files": _are_inside,
        "width": _is_side,
        "height": _is_side,
        "confidence": _are_shares,
        "doubt": _is_share_or_absent,
    }
)
"""What is read of a row; an older one has no doubt."""


class Manifest:
    """The rows of an output folder, and the part that this run adds to them.

    Args:
        out: The output folder, which has to be there.
        sources: All photos of the command, also those of other shards, in their order.
        shard: Whose part this is.
    """

    def __init__(self, out: Path, sources: Sequence[str], shard: Shard) -> None:
        self.rows, self.failures = Rows(out / MANIFEST), Rows(out / FAILURES)
        self._out = out
        self._sources = sources
        self._log = Log(out / f".manifest-{shard}.jsonl")

    def recall(self) -> dict[str, bytes]:
        """Say what is done: for each photo its last row, as it stands in the file."""
        done, _ = self._joined(self._parts())
        return done

    def add(self, row: Mapping[str, Any]) -> None:
        """Write down that a photo is done, or, by a row with a `reason`, that it failed.

        Raises:
            OSError: If it cannot be written, or somebody has removed the folder meanwhile.
        """
        self._log.add(row)

    def fold(self, *, everything: bool = False) -> bool:
        """Fold this run's part into the manifest, and say whether all photos have a row now.

        Args:
            everything: Fold in all parts there are; no other run may be at work.
        """
        parts = self._parts() if everything else [self._log.path]
        done, failed = self._joined(parts)
        in_order = [done[source] for source in self._sources if source in done]
        own = set(self._sources)
        taken = {file for line in in_order for file in json.loads(line)["files"]}
        in_order += [
            line
            for source, line in done.items()
            if source not in own and taken.isdisjoint(json.loads(line)["files"])
        ]
        write_lines(self.rows.path, in_order)
        failures = [failed[source] for source in self._sources if source in failed]
        if failures:
            write_lines(self.failures.path, failures)
        else:
            self.failures.path.unlink(missing_ok=True)
        for part in parts:
            part.unlink(missing_ok=True)
        return all(source in done or source in failed for source in self._sources)

    def is_left_over(self) -> bool:
        """Whether there is a part, of a run that is at work or was killed."""
        return bool(self._parts())

    def count(self) -> tuple[int, int]:
        """How many of the command's photos are done, and how many failed."""
        own = set(self._sources)
        done = sum(row["source"] in own for row in self.rows)
        return done, sum(row["source"] in own for row in self.failures)

    def _parts(self) -> list[Path]:
        return sorted(self._out.glob(".manifest-*-of-*.jsonl"))

    def _joined(self, parts: Sequence[Path]) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Join manifest, failures and parts: by photo its last row, of those done and failed."""
        done: dict[str, bytes] = {}
        failed: dict[str, bytes] = {}
        for rows in (self.rows, self.failures, *map(Rows, parts)):
            for line in rows.lines():
                source = line.row["source"]
                now, before = (failed, done) if "reason" in line.row else (done, failed)
                now[source] = line.text
                before.pop(source, None)
        return done, failed
