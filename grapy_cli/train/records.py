"""Losses and scores of a run as a table and a picture, drawn from its journal."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from grapy_cli.files import write_text
from grapy_cli.runtime.journal import read_journal
from grapy_cli.runtime.reporting import Event
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.events import CheckpointSaved, EpochScored

Number = int | float
Row = dict[str, Number]
Points = list[tuple[Number, Number]]

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")
"""Okabe and Ito's colours, which people with any colour vision tell apart."""


class Records:
    """A reporter that redraws metrics.csv and curves.svg with every checkpoint and scoring."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __call__(self, event: Event) -> None:
        """Redraw where the event brings something new."""
        if isinstance(event, CheckpointSaved | EpochScored):
            rows = rows_of(read_journal(self.folder.journal_file))
            write_text(self.folder.metrics_file, to_csv(rows))
            write_text(self.folder.curves_file, to_svg(rows))


def rows_of(journal: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Take the mean of losses over about a hundredth of the run, and scores where there are some.

    Steps that were made again after a crash count once, as they were made last.
    """
    steps: dict[int, Row] = {}
    width = 1
    for event in journal:
        step = int(event.get("step", 0))
        match event["event"]:
            case "StepDone":
                width = max(1, event["total"] // 100)
                losses = {f"loss {name}": value for name, value in event["losses"].items()}
                steps[step] = {"epoch": event["epoch"], "lr": event["lr"], **losses}
            case "EpochScored":
                scores = {f"mIoU {name}": value for name, value in event["mean_iou"].items()}
                steps[step] = steps.get(step, {}) | scores
    bins: dict[int, list[tuple[int, Row]]] = {}
    for step, row in sorted(steps.items()):
        bins.setdefault((step - 1) // width, []).append((step, row))
    return [_mean(members) for members in bins.values()]


def to_csv(rows: Sequence[Row]) -> str:
    """Write rows as a table; what a row does not have stays empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_svg(rows: Sequence[Row]) -> str:
    """Draw losses above and scores below, each line named at its end."""
    body = []
    for top, prefix in ((20, "loss "), (270, "mIoU ")):
        lines = _lines(rows, prefix)
        if lines:
            body += _panel(lines, top, prefix.strip(), rows[-1]["step"])
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 520" font-family="sans-serif" '
        'font-size="12"><rect width="760" height="520" fill="white"/>' + "".join(body) + "</svg>\n"
    )


def _mean(members: Sequence[tuple[int, Row]]) -> Row:
    names = dict.fromkeys(name for _, row in members for name in row)
    row: Row = {"step": members[-1][0]}
    for name in names:
        values = [member[name] for _, member in members if name in member]
        row[name] = values[-1] if name in ("epoch", "lr") else round(sum(values) / len(values), 6)
    return row


def _lines(rows: Sequence[Row], prefix: str) -> dict[str, Points]:
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(prefix))
    return {
        name.removeprefix(prefix): [(row["step"], row[name]) for row in rows if name in row]
        for name in names
    }


def _panel(lines: Mapping[str, Points], top: int, title: str, last_step: Number) -> list[str]:
    left, width, height = 60, 520, 210
    peak = max(value for points in lines.values() for _, value in points) or 1.0

    def place(step: Number, value: Number) -> str:
        return f"{left + width * step / last_step:.1f},{top + height * (1 - value / peak):.1f}"

    drawn = [
        f'<path d="M{left},{top}V{top + height}H{left + width}" fill="none" stroke="#999"/>',
        f'<text x="{left - 8}" y="{top + 10}" text-anchor="end">{peak:.2f}</text>',
        f'<text x="{left - 8}" y="{top + height}" text-anchor="end">0</text>',
        f'<text x="{left + width}" y="{top + height + 16}" text-anchor="end">'
        f"step {last_step:.0f}</text>",
        f'<text x="{left + 8}" y="{top + 10}" font-weight="bold">{title}</text>',
    ]
    # Lines may end at one height; their names stand one below the other.
    for index, (name, points) in enumerate(lines.items()):
        color = COLORS[index % len(COLORS)]
        path = " ".join(place(step, value) for step, value in points)
        label = top + 14 + 18 * index
        drawn += [
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
            f'<rect x="{left + width + 16}" y="{label - 9}" width="10" height="10" '
            f'fill="{color}"/>',
            f'<text x="{left + width + 32}" y="{label}">{escape(name)} {points[-1][1]:.3f}</text>',
        ]
    return drawn
