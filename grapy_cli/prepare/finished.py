"""A log of finished samples, one line each, from which a killed run resumes.

It keeps the findings out of memory: they are read back one by one when all samples are done.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grapy_cli.jsonl import Line, Log
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


def _is_finding(line: Line) -> bool:
    try:
        _FINDING.validate_json(line.text)
    except ValidationError:
        return False
    return True


class FinishedSamples:
    """A log of findings, in the order of the samples.

    Args:
        identity: Everything that the findings depend on; if it changed, the file is started anew.
    """

    def __init__(self, path: Path, identity: Iterable[object]) -> None:
        lines = "".join(f"{item}\n" for item in identity)
        self._log = Log(path, hashlib.sha256(lines.encode()).hexdigest())
        self.is_stale = self._log.had_others
        """Whether there was a file of other samples."""
        self.num_done = self._take_over()

    def add(self, finding: Finding) -> None:
        """Log the findings of a sample; from now on it is done."""
        self._log.add(asdict(finding))
        self.num_done += 1

    def __iter__(self) -> Iterator[Finding]:
        for line in itertools.islice(self._log, self.num_done):
            yield _FINDING.validate_json(line.text)

    def remove(self) -> None:
        """Remove the file, once all samples are done."""
        self._log.remove()

    def _take_over(self) -> int:
        """Count the findings of an earlier run, and drop what follows a damaged one."""
        num_done, end = 0, None
        for line in self._log:
            if end not in (None, line.start) or not _is_finding(line):
                break
            num_done, end = num_done + 1, line.start + len(line.text)
        if end is not None:
            self._log.cut(end)
        return num_done
