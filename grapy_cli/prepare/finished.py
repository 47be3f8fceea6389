"""What is done so far, one line a sample, so that a run that was killed goes on.

It also keeps the findings out of memory: however many samples there are, they are read back one
by one when all are done.
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
    """What looking at one sample has shown; it can be written as JSON."""

    key: str
    problems: list[list[str]] = field(default_factory=list)
    """Names and reasons."""
    left_out: bool = False
    digest: str = ""
    """Of the photo's bytes."""
    pixels: list[int] | None = None
    """Of each part, and of ignore; None where there is no label map."""
    has_mirrored: bool = False
    """The release brings a readable annotation of the mirrored photo."""
    differing: int = 0
    """Pixels of that annotation that are not what mirroring gives."""
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
        identity: Whatever findings depend on; a file with another one is begun anew.
    """

    def __init__(self, path: Path, identity: Iterable[object]) -> None:
        self._path = path
        digest = hashlib.sha256()
        for item in identity:
            digest.update(f"{item}\n".encode())
        self._head = json.dumps({"identity": digest.hexdigest()}).encode() + b"\n"
        self.is_anothers = False
        """There was a file, of samples that are not ours."""
        self.num_done, size = self._whole_lines()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if size else "wb")
        self._file.seek(size)
        self._file.truncate()
        if not size:
            self._file.write(self._head)
            self._file.flush()

    def add(self, finding: Finding) -> None:
        """Write down what was found; from now on that sample is done."""
        self._file.write(json.dumps(asdict(finding)).encode() + b"\n")
        self._file.flush()
        self.num_done += 1

    def __iter__(self) -> Iterator[Finding]:
        with self._path.open("rb") as file:
            next(file)
            for line in itertools.islice(file, self.num_done):
                yield _FINDING.validate_json(line)

    def remove(self) -> None:
        """Remove the file, when nothing is left to go on with."""
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
        """Count the findings of an earlier run, and the bytes up to its last whole line."""
        if not self._path.is_file():
            return 0, 0
        lines = whole_lines(self._path)
        if next(lines, None) != self._head:
            self.is_anothers = True
            return 0, 0
        num_done, size = 0, len(self._head)
        for line in lines:
            if not _is_finding(line):  # from here on it is not ours
                break
            num_done, size = num_done + 1, size + len(line)
        return num_done, size
