"""Count and report the progress of a run."""

import time
from dataclasses import dataclass, field

from grapy_cli.errors import InterruptedRun
from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.predict.job import Outcome
from grapy_cli.runtime.reporting import Progressed, Reporter, Told


@dataclass
class RunProgress:
    """Counts the outcomes of a run and reports each."""

    total: int
    report: Reporter
    parsed: int = 0
    failed: int = 0
    kept: int = 0
    """Parsed by an earlier run."""
    _begun: float = field(default_factory=time.perf_counter)

    def add(self, outcome: Outcome) -> None:
        """Count a photo, and report it unless an earlier run did it."""
        row, photo = outcome.row, outcome.row["source"]
        if outcome.was_done:
            self.kept += 1
        elif outcome.has_failed:
            self.failed += 1
            self.report(PhotoRejected(photo, row["reason"]))
        else:
            self.parsed += 1
            self.report(PhotoParsed(photo, tuple(row["files"]), row["seconds"]))
        self.report(self._progress())

    def end(self) -> None:
        """Check that all photos are done.

        Raises:
            InterruptedRun: If the run was stopped before that.
        """
        if self._done < self.total:
            raise InterruptedRun(
                f"stopped after {self._done} of {self.total} photos; their files are complete",
                hint="Run the same command again to parse the rest.",
            )
        if self.kept:
            self.report(Told(f"{self.kept} of {self.total} photos were parsed by an earlier run"))

    @property
    def _done(self) -> int:
        return self.parsed + self.failed + self.kept

    def _progress(self) -> Progressed:
        worked = self.parsed + self.failed
        if not worked:
            return Progressed(
                "parsing photos", self._done, self.total, f"{self.kept} by an earlier run"
            )
        pace = worked / (time.perf_counter() - self._begun)
        note = f"{pace:.2g} photos/s" if pace < 10 else f"{pace:.0f} photos/s"
        left = (self.total - self._done) / pace
        return Progressed("parsing photos", self._done, self.total, note, left)
