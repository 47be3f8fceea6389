"""`report.html`: the audit of a data set on one page, in one file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grapy_cli.html.charts import Bars, counted, draw_bars, to_percent
from grapy_cli.html.pages import render
from grapy_cli.html.svg import Drawing
from grapy_cli.image_io.archive import Place
from grapy_cli.labels import LabelSet
from grapy_cli.labels.label_set import Color
from grapy_cli.prepare.audit import Audit
from grapy_cli.prepare.folder_files import Entry
from grapy_cli.prepare.problems import CHECKS
from grapy_cli.prepare.release import Contents
from grapy_cli.prepare.sources import Source
from grapy_cli.prepare.thumbnails import label_thumbnail, photo_thumbnail

ORDINARY = 6
"""Samples without a problem on the page."""


@dataclass(frozen=True)
class Sample:
    """One sample on the page."""

    name: str
    reason: str
    """Why it is shown; empty for an ordinary sample."""
    pictures: list[tuple[str, str]]
    """Name and data URL; the URL is empty if the picture cannot be read."""
    parts: list[tuple[str, Color, str]]
    """Name, color and share of each part in it."""


def render_report(
    source: Source, figures: Mapping[str, Any], audit: Audit, contents: Contents, found_in: str
) -> str:
    """Render the page; the same findings give the same bytes."""
    problems, mirrored = figures["problems"], figures["mirrored"]
    severities = {name: CHECKS[name].severity for name in problems}
    rejected = sum(count for name, count in problems.items() if severities[name] == "rejected")
    counts = ("mirroring_gives", "release_has", "in_common")
    return render(
        "prepare.html",
        labels=source.label_set,
        figures=figures,
        source=found_in,
        tiles=[
            *((split, f"{count:,}") for split, count in figures["photos"].items()),
            ("rejected", f"{rejected:,}"),
        ],
        problems=[
            (name, f"{count:,}", severities[name], CHECKS[name].says)
            for name, count in problems.items()
        ],
        severities=list(severities.values()),
        bars=_frequencies(source.label_set, figures["parts"]),
        balance=[(pair, to_percent(row["left_share"])) for pair, row in figures["balance"].items()],
        mirrored=mirrored,
        mirrored_share=mirrored and mirrored["differing_pixels"] / max(mirrored["pixels"], 1),
        mirrored_parts=[
            (name, *(f"{row[key]:,}" for key in counts))
            for name, row in (mirrored["parts"].items() if mirrored else ())
            if any(row.values())
        ],
        suspects=list(_suspects(source, audit)),
        ordinary=_ordinary(source, audit, contents),
    )


def _frequencies(labels: LabelSet, parts: Mapping[str, Any]) -> Drawing:
    rows = []
    for part in labels.parts:
        row = parts[part.name]
        shares = (row["photo_share"], row["pixel_share"])
        rows.append(Bars(part.name, part.color, shares, counted(row["photos"], "photo")))
    return draw_bars(("share of photos", "share of pixels"), rows, "how often parts appear")


def _suspects(source: Source, audit: Audit) -> Iterator[tuple[str, list[Sample]]]:
    for problem, suspects in audit.suspects.items():
        samples = []
        for suspect in suspects:
            extra = suspect.entry.mirrored if problem.startswith("mirrored") else None
            samples.append(_sample(suspect.entry, suspect.reason, source, extra))
        yield f"{problem}: {CHECKS[problem].says}", samples


def _ordinary(source: Source, audit: Audit, contents: Contents) -> list[Sample]:
    shown = {one.entry.key for suspects in audit.suspects.values() for one in suspects}
    unfit = shown | audit.left_out
    fine = [
        entry for entry in contents.entries.values() if entry.label_name and entry.key not in unfit
    ]
    step = -(-len(fine) // ORDINARY) or 1
    return [_sample(entry, "", source) for entry in fine[::step]]


def _sample(entry: Entry, reason: str, source: Source, extra: Place | None = None) -> Sample:
    mask, parts = label_thumbnail(entry.label, source)
    pictures = [("photo", photo_thumbnail(entry.photo)), ("mask", mask)]
    if extra is not None:
        pictures.append(("mirrored mask", label_thumbnail(extra, source)[0]))
    return Sample(f"{entry.split}/{entry.key}", reason, pictures, parts)
