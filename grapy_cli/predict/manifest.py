"""The manifest of an output folder: a row for each photo that is parsed, and for each that failed.

A run appends its rows to a hidden file, its part. At its end it merges the part into the manifest,
in the order of the photos. The next run merges the part of a run that was killed.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, PositiveInt, ValidationError

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
                f"{text!r} is not a shard", hint="For example, --shard 2/3 is the second of three."
            )
        return cls(int(number) - 1, int(count))

    def split(self, index: int, count: int) -> "Shard":
        """Divide this share again."""
        return Shard(self.index + index * self.count, self.count * count)

    def __str__(self) -> str:
        return f"{self.index + 1}-of-{self.count}"


@dataclass(frozen=True)
class Rows:
    """The rows of a file, which is read for each iteration; none if it does not exist."""

    path: Path

    def __iter__(self) -> Iterator[Row]:
        return (line.row for line in self.lines())

    def lines(self) -> Iterator[Line]:
        """Give the lines with valid rows.

        Others are skipped: cut off by a kill, of another version, or with files outside of the
        folder.
        """
        return (line for line in read_lines(self.path) if _is_row(line.row))


def _is_row(row: Row) -> bool:
    try:
        (_Failed if "reason" in row else _Done).model_validate(row)
    except ValidationError:
        return False
    return True


def _inside(file: str) -> str:
    """Check that a file is in the output folder: no row may lead out of it."""
    path = PurePosixPath(file)
    if "\0" in file or path.is_absolute() or ".." in path.parts:
        raise ValueError
    return file


_Share = Annotated[float, Field(ge=0, le=1)]


class _Failed(BaseModel, strict=True):
    """What the row of a photo that failed must have."""

    source: str
    reason: str


class _Done(BaseModel, strict=True):
    """What the row of a parsed photo must have; older rows have no doubt."""

    source: str
    files: list[Annotated[str, AfterValidator(_inside)]]
    width: PositiveInt
    height: PositiveInt
    confidence: dict[str, _Share] = Field(min_length=1)
    doubt: _Share | None = None


class Manifest:
    """The rows of an output folder, and the part that this run adds to them.

    Args:
        out: The output folder, which must exist.
        sources: All photos of the command, also those of other shards, in their order.
    """

    def __init__(self, out: Path, sources: Sequence[str], shard: Shard) -> None:
        self.rows, self.failures = Rows(out / MANIFEST), Rows(out / FAILURES)
        self._out = out
        self._sources = sources
        self._log = Log(out / f".manifest-{shard}.jsonl")

    def recall(self) -> dict[str, bytes]:
        """Return the last row of each photo that is parsed, as JSON."""
        done, _, _ = self._joined(self._parts())
        return done

    def add(self, row: Mapping[str, Any]) -> None:
        """Add the row of a photo; one with a `reason` says that it failed.

        Raises:
            OSError: If it cannot be written, or the folder was removed meanwhile.
        """
        self._log.add(row)

    def fold(self, *, everything: bool = False) -> bool:
        """Merge this run's part into the manifest, and tell whether all photos have a row now.

        Files of replaced rows are removed if no other row has them: masks of an earlier layout.

        Args:
            everything: Merge all parts; no other run may be at work.
        """
        parts = self._parts() if everything else [self._log.path]
        done, failed, replaced = self._joined(parts)
        in_order = [done[source] for source in self._sources if source in done]
        own = set(self._sources)
        taken = {file for line in in_order for file in _files_of(line)}
        for source, line in done.items():
            if source in own:
                continue
            if taken.isdisjoint(_files_of(line)):
                in_order.append(line)
            else:
                replaced.update(_files_of(line))
        if replaced:
            self._remove(replaced, in_order)
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
        """Tell whether there is a part, of a run that works or was killed."""
        return bool(self._parts())

    def count(self) -> tuple[int, int]:
        """Count the photos of the command that are parsed, and that failed."""
        own = set(self._sources)
        done = sum(row["source"] in own for row in self.rows)
        return done, sum(row["source"] in own for row in self.failures)

    def _parts(self) -> list[Path]:
        return sorted(self._out.glob(".manifest-*-of-*.jsonl"))

    def _joined(self, parts: Sequence[Path]) -> tuple[dict[str, bytes], dict[str, bytes], set[str]]:
        """Join manifest, failures and parts.

        Returns:
            By photo its last row, of those done and of those failed; and the files of rows that
            another row of the same photo replaced.
        """
        done: dict[str, bytes] = {}
        failed: dict[str, bytes] = {}
        replaced: set[str] = set()
        for rows in (self.rows, self.failures, *map(Rows, parts)):
            for line in rows.lines():
                source = line.row["source"]
                now, before = (failed, done) if "reason" in line.row else (done, failed)
                if now is done and source in done:
                    replaced.update(_files_of(done[source]))
                now[source] = line.text
                before.pop(source, None)
        return done, failed, replaced

    def _remove(self, replaced: set[str], lines: Sequence[bytes]) -> None:
        """Remove files that no row has any more, and folders that become empty.

        Photos are kept, even if a row names one as its file; so are the pictures of the gallery.
        """
        others = (line.text for part in self._parts() for line in Rows(part).lines())
        owned = {file.casefold() for line in (*lines, *others) for file in _files_of(line)}
        photos = {os.path.realpath(source) for source in self._sources}
        for file in sorted(replaced):
            path = self._out / file
            is_kept = file.casefold() in owned or os.path.realpath(path) in photos
            if is_kept or file.startswith(".") or not path.is_file():
                continue
            path.unlink()
            for folder in path.relative_to(self._out).parents[:-1]:
                with suppress(OSError):  # it is not empty
                    (self._out / folder).rmdir()


def _files_of(line: bytes) -> list[str]:
    """Return the files of a row; none of one that failed."""
    files: list[str] = json.loads(line).get("files", [])
    return files
