"""`report.html`: the audit as a page, in one file without any other files."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from grapy_cli.html.elements import bars, chips, page, table, tiles
from grapy_cli.image_io.archive import Place
from grapy_cli.labels import LabelSet
from grapy_cli.labels.label_set import Color
from grapy_cli.prepare.audit import Audit
from grapy_cli.prepare.problems import CHECKS
from grapy_cli.prepare.release import Contents, Entry
from grapy_cli.prepare.thumbnails import label_thumbnail, photo_thumbnail

ORDINARY = 6  # samples without problems that are shown


def render_report(
    labels: LabelSet,
    figures: Mapping[str, Any],
    audit: Audit,
    contents: Contents,
    colors: Mapping[Color, int],
    source: str,
) -> str:
    """Return the page; the same findings give the same bytes."""
    sections = (
        _head(labels, figures, source),
        _problems(figures),
        _frequencies(labels, figures),
        _balance(figures),
        _mirrored(figures),
        _worst(labels, audit, colors),
        _ordinary(labels, audit, contents, colors),
    )
    return page(f"{labels.name}: audit", (line for section in sections for line in section))


def _head(labels: LabelSet, figures: Mapping[str, Any], source: str) -> Iterator[str]:
    yield f"<h1>{escape(labels.title)}</h1>"
    about = f"{labels.name}, {labels.num_parts} parts, from {source}"
    yield f'<p class="soft">{escape(about)}</p>'
    rejected = sum(
        count for name, count in figures["problems"].items() if CHECKS[name].severity == "rejected"
    )
    photos = [(split, f"{count:,}") for split, count in figures["photos"].items()]
    yield tiles([*photos, ("rejected", f"{rejected:,}")])
    for note in figures["notes"]:
        yield f'<p class="soft">{escape(note)}</p>'


def _problems(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Problems</h2>"
    if not figures["problems"]:
        yield "<p>No problems were found.</p>"
        return
    yield '<p class="soft">problems.csv has each row.</p>'
    names = list(figures["problems"])
    yield table(
        ["problem", ">rows", "", "what it is"],
        [
            (name, f"{figures['problems'][name]:,}", CHECKS[name].severity, CHECKS[name].says)
            for name in names
        ],
        [CHECKS[name].severity for name in names],
    )


def _frequencies(labels: LabelSet, figures: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Parts</h2>"
    yield (
        '<p class="soft">Upper bar: share of the photos that show the part. Lower bar: its share '
        f"of all labeled pixels. {figures['ignored_pixels']:,} pixels are ignored.</p>"
    )
    rows = []
    for part in labels.parts:
        row = figures["parts"][part.name]
        words = f"{row['photos']:,} photos, {row['pixel_share']:.2%} of pixels"
        rows.append((part.name, part.color, row["photo_share"], row["pixel_share"], words))
    yield bars(rows)


def _balance(figures: Mapping[str, Any]) -> Iterator[str]:
    if not figures["balance"]:
        return
    yield "<h2>Left and right</h2>"
    yield table(
        ["pair", ">pixels of the first"],
        [(pair, f"{row['left_share']:.1%}") for pair, row in figures["balance"].items()],
    )


def _mirrored(figures: Mapping[str, Any]) -> Iterator[str]:
    mirrored = figures["mirrored"]
    if not mirrored:
        return
    yield "<h2>The release's mirrored annotations</h2>"
    share = mirrored["differing_pixels"] / max(mirrored["pixels"], 1)
    yield (
        f"<p>{mirrored['alike']:,} of {mirrored['compared']:,} equal the mirrored label map; "
        f"{mirrored['differing_pixels']:,} pixels ({share:.2%}) differ. grapy mirrors "
        "label maps itself and does not use them.</p>"
    )
    yield table(
        ["part", ">pixels by mirroring", ">pixels in the release", ">in common"],
        [
            (name, *(f"{row[key]:,}" for key in ("mirroring_gives", "release_has", "in_common")))
            for name, row in mirrored["parts"].items()
            if any(row.values())
        ],
    )


def _worst(labels: LabelSet, audit: Audit, colors: Mapping[Color, int]) -> Iterator[str]:
    if audit.suspects:
        yield "<h2>The worst samples</h2>"
    for problem, suspects in audit.suspects.items():
        yield f"<h3>{escape(problem)}: {escape(CHECKS[problem].says)}</h3>"
        yield '<div class="cards">'
        for suspect in suspects:
            extra = suspect.entry.mirrored if problem.startswith("mirrored") else None
            yield _card(suspect.entry, suspect.reason, labels, colors, extra)
        yield "</div>"


def _ordinary(
    labels: LabelSet, audit: Audit, contents: Contents, colors: Mapping[Color, int]
) -> Iterator[str]:
    shown = {one.entry.key for suspects in audit.suspects.values() for one in suspects}
    unfit = shown | audit.left_out
    fine = [
        entry for entry in contents.entries.values() if entry.label_name and entry.key not in unfit
    ]
    if not fine:
        return
    yield "<h2>Ordinary samples</h2>"
    yield '<p class="soft">Do the names fit the pictures? Exchanged ids can be seen here.</p>'
    yield '<div class="cards">'
    for entry in fine[:: -(-len(fine) // ORDINARY)]:
        yield _card(entry, "", labels, colors)
    yield "</div>"


def _card(
    entry: Entry,
    reason: str,
    labels: LabelSet,
    colors: Mapping[Color, int],
    extra: Place | None = None,
) -> str:
    mask, parts = label_thumbnail(entry.label, colors, labels)
    pictures = [_picture(photo_thumbnail(entry.photo), "photo"), _picture(mask, "mask")]
    if extra is not None:
        pictures.append(_picture(label_thumbnail(extra, colors, labels)[0], "mirrored mask"))
    said = f"<p>{escape(reason)}</p>" if reason else ""
    return (
        f'<figure><div class="pair">{"".join(pictures)}</div>'
        f"<figcaption><b>{escape(entry.split)}/{escape(entry.key)}</b>{said}{chips(parts)}"
        "</figcaption></figure>"
    )


def _picture(address: str, what: str) -> str:
    if not address:
        return f"<div><small>no {what} to show</small></div>"
    return f'<div><img src="{address}" alt="{what}"><small>{what}</small></div>'
