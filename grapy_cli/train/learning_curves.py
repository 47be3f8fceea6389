"""Write the table and the curves of a run, and the facts of a divergence."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from grapy_cli.atomic import write_text
from grapy_cli.html.curves import COLORS, Curve, Panel, draw_curves
from grapy_cli.html.svg import Drawing
from grapy_cli.runtime.journal import read_journal
from grapy_cli.runtime.reporting import Event
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.events import CheckpointSaved, Diverged, EpochScored, StepDone

Number = int | float
Row = dict[str, Number]

ROWS = 100
"""Rows of the table of a long run, about."""
LOSS, SCORE, RATE = "loss ", "mIoU ", "lr"


class Records:
    """A reporter that redraws metrics.csv and curves.svg of a run at checkpoints and scorings."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.table = Table(read_journal(folder.journal_file))

    def __call__(self, event: Event) -> None:
        """Get one event."""
        if isinstance(event, StepDone | EpochScored):
            self.table.add({"event": type(event).__name__, **asdict(event)})
        if isinstance(event, Diverged):
            write_text(self.folder.divergence_file, json.dumps(asdict(event), indent=1) + "\n")
        if isinstance(event, CheckpointSaved | EpochScored):
            rows = self.table.rows()
            write_text(self.folder.metrics_file, to_csv(rows))
            write_text(self.folder.curves_file, to_picture(rows).to_file())


class Table:
    """Means over about a hundredth of the run each; steps made again after a crash count once.

    Args:
        journal: Earlier events; only their means are kept.
    """

    def __init__(self, journal: Iterable[Mapping[str, Any]]) -> None:
        self._total = 0
        self._means: dict[int, _Mean] = {}
        steps: dict[int, Row] = {}
        for event in journal:
            if row := _row(event):
                self._total = event.get("total", self._total)
                step = event["step"]
                steps[step] = row if event["event"] == "StepDone" else steps.get(step, {}) | row
        for step, row in sorted(steps.items()):
            self._count(step, row)

    def add(self, event: Mapping[str, Any]) -> None:
        """Add one event, in the form of the journal."""
        if row := _row(event):
            self._total = event.get("total", self._total)
            self._count(event["step"], row)

    def rows(self) -> list[Row]:
        """Return the rows of the table so far."""
        return [mean.row() for mean in self._means.values()]

    def _count(self, step: int, row: Row) -> None:
        width = max(1, self._total // ROWS)
        self._means.setdefault((step - 1) // width, _Mean()).add(step, row)


class _Mean:
    """Steps in one row of the table: means of measured values, the last of settings."""

    def __init__(self) -> None:
        self._last: Row = {}
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, step: int, row: Row) -> None:
        self._last["step"] = step
        for name, value in row.items():
            if name in ("epoch", RATE):
                self._last[name] = value
            else:
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = total + value, count + 1

    def row(self) -> Row:
        means = {name: round(total / count, 6) for name, (total, count) in self._sums.items()}
        return self._last | means


def _row(event: Mapping[str, Any]) -> Row:
    """Return the values of an event for the table; empty for other events."""
    match event:
        case {"event": "StepDone", "step": int(), "total": int(), "losses": dict(losses)}:
            row: dict[str, Any] = {"epoch": event.get("epoch"), RATE: event.get("lr")}
            row |= {f"{LOSS}{name}": value for name, value in losses.items()}
        case {"event": "EpochScored", "step": int(), "mean_iou": dict(scores)}:
            row = {f"{SCORE}{name}": value for name, value in scores.items()}
        case _:
            row = {}
    return row if all(isinstance(value, int | float) for value in row.values()) else {}


def to_csv(rows: Sequence[Row]) -> str:
    """Write rows as a table; missing values stay empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_picture(rows: Sequence[Row]) -> Drawing:
    """Draw losses above, scores below, and the learning rate; each data set has a color."""
    panels = [
        Panel("Loss per pixel", list(_curves(rows, LOSS)), 280),
        Panel("Mean IoU on val", list(_curves(rows, SCORE)), 200),
        Panel("Learning rate", list(_curves(rows, RATE)), 90),
    ]
    return draw_curves(panels, "step")


def _curves(rows: Sequence[Row], prefix: str) -> Iterator[Curve]:
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(prefix))
    datasets = sorted({_dataset(name, prefix) for name in names})
    for name in sorted(names):
        points = [(row["step"], row[name]) for row in rows if name in row]
        color = COLORS[datasets.index(_dataset(name, prefix)) % len(COLORS)]
        said = name.removeprefix(prefix).replace("/", " ") or prefix
        has_better = name.replace("/main", "/refined") in names
        yield Curve(said, points, color, dashed=name.endswith("/main") and has_better)


def _dataset(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).partition("/")[0]
