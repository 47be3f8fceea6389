"""A log of finished samples, one line each, from which a killed run resumes.

It keeps the findings out of memory: they are read back one by one when all samples are done.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter, ValidationError

from grapy_cli.jsonl import whole_lines
from grapy_cli.prepare.mirrored import Differences

FINISHED = ".prepare.jsonl"


@dataclass(frozen=True)
class Finding:
    """The findings about one sample, as plain values for JSON."""

    key: str
    problems: list[list[str]] = field(default_factory=list)
    """Name and reason of each problem."""
    left_out: bool = False
    digest: str = ""
    """Digest of the photo's bytes."""
    pixels: list[int] | None = None
    """Pixels of each part, then ignored pixels; None without a label map."""
    has_mirrored: bool = False
    """Whether the release has a readable annotation of the mirrored photo."""
    differing: int = 0
    """Pixels of that annotation that differ from the mirrored label map."""
    mirrored: Differences = field(default_factory=dict)


_FINDING = TypeAdapter(Finding)


def _is_finding(line: bytes) -> bool:
    try:
        _FINDING.validate_json(line)
    except ValidationError:
        return False
    return line.endswith(b"\n")


class FinishedSamples:
    """A growing file of findings, in the order of the samples.

    Args:
        path: The file.
        identity: Everything that the findings depend on; if it changed, the file is started anew.
    """

    def __init__(self, path: Path, identity: Iterable[object]) -> None:
        self._path = path
        digest = hashlib.sha256()
        for item in identity:
            digest.update(f"{item}\n".encode())
        self._head = json.dumps({"identity": digest.hexdigest()}).encode() + b"\n"
        self.is_stale = False
        """Whether there was a file of other samples."""
        self.num_done, size = self._whole_lines()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if size else "wb")
        self._file.seek(size)
        self._file.truncate()
        if not size:
            self._file.write(self._head)
            self._file.flush()

    def add(self, finding: Finding) -> None:
        """Write the findings of a sample; from now on it counts as done."""
        self._file.write(json.dumps(asdict(finding)).encode() + b"\n")
        self._file.flush()
        self.num_done += 1

    def __iter__(self) -> Iterator[Finding]:
        with self._path.open("rb") as file:
            next(file)
            for line in itertools.islice(file, self.num_done):
                yield _FINDING.validate_json(line)

    def remove(self) -> None:
        """Remove the file, once all samples are done."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> "FinishedSamples":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _whole_lines(self) -> tuple[int, int]:
        """Count the findings of an earlier run, and the bytes up to its last complete line."""
        if not self._path.is_file():
            return 0, 0
        lines = whole_lines(self._path)
        if next(lines, None) != self._head:
            self.is_stale = True
            return 0, 0
        num_done, size = 0, len(self._head)
        for line in lines:
            if not _is_finding(line):  # damaged from here on
                break
            num_done, size = num_done + 1, size + len(line)
        return num_done, size
