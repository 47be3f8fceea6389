"""The memory of an output folder: a row for each photo that is done, and for each that failed.

While a run works, its rows go to a part of its own, a hidden file that only grows; when it ends the
part is folded into the manifest, whose rows stand in the order of the photos. What a killed run
left behind is folded in by the next.
"""

import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from grapy_cli.errors import SettingsError
from grapy_cli.files import replacing
from grapy_cli.rows import whole_lines

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
        for line in self.lines():
            yield json.loads(line)

    def lines(self) -> Iterator[str]:
        """The rows as they stand; a last one that a kill cut off is left out."""
        with suppress(FileNotFoundError):
            yield from (line.decode() for line in whole_lines(self.path))


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
        self._part = out / f".manifest-{shard}.jsonl"
        self._file: TextIO | None = None

    def recall(self) -> dict[str, str]:
        """Say what is done: for each photo its last row, as it stands in the file."""
        done, _ = self._joined(self._parts())
        return done

    def add(self, row: Mapping[str, Any]) -> None:
        """Write down that a photo is done, or, by a row with a `reason`, that it failed.

        Raises:
            OSError: If it cannot be written, or somebody has removed the folder meanwhile.
        """
        if self._file is None:
            self._file = _open_rows(self._part)
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()  # a run that is killed leaves a list of what it did
        if not os.fstat(self._file.fileno()).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "it was removed during the run", str(self._out))

    def fold(self, *, everything: bool = False) -> bool:
        """Fold this run's part into the manifest, and say whether all photos have a row now.

        Args:
            everything: Fold in all parts there are; no other run may be at work.
        """
        self._close()
        parts = self._parts() if everything else [self._part]
        done, failed = self._joined(parts)
        in_order = [done[source] for source in self._sources if source in done]
        own = set(self._sources)
        taken = {file for line in in_order for file in json.loads(line)["files"]}
        in_order += [
            line
            for source, line in done.items()
            if source not in own and taken.isdisjoint(json.loads(line)["files"])
        ]
        _write_lines(self.rows.path, in_order)
        failures = [failed[source] for source in self._sources if source in failed]
        if failures:
            _write_lines(self.failures.path, failures)
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

    def __enter__(self) -> "Manifest":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _parts(self) -> list[Path]:
        return sorted(self._out.glob(".manifest-*-of-*.jsonl"))

    def _joined(self, parts: Sequence[Path]) -> tuple[dict[str, str], dict[str, str]]:
        """Join manifest, failures and parts: by photo its last row, of those done and failed."""
        done: dict[str, str] = {}
        failed: dict[str, str] = {}
        for rows in (self.rows, self.failures, *map(Rows, parts)):
            for line in rows.lines():
                row = json.loads(line)
                now, before = (failed, done) if "reason" in row else (done, failed)
                now[row["source"]] = line
                before.pop(row["source"], None)
        return done, failed


def _open_rows(path: Path) -> TextIO:
    """Open a file of JSON rows; bytes of file names that are no text become JSON's own escapes."""
    return path.open("w", encoding="utf-8", errors="backslashreplace")


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    with replacing(path) as beside, _open_rows(beside) as file:
        file.writelines(lines)
