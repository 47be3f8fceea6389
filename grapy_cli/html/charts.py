"""Charts of scores: bars for each part, the confusion matrix, and calibration."""

from collections.abc import Sequence
from typing import NamedTuple

from grapy_cli.html.svg import Color, Drawing, Number, Point, swatch

Share = float | None
Named = tuple[str, Color]

HUES = ("bar", "second", "third")
CELL = 28
"""Pixels from one cell of the confusion matrix to the next."""
NARROW = 360
"""Pixels that a chart has on a phone."""
LETTER = 7
"""Pixels that a letter of 12 pixels takes at most, on average."""
LEAST_SHOWN = 0.001
"""Legends leave out parts below this share of a photo."""
PRINTED = 0.05
"""Smaller shares have their number in the tooltip only."""
DEEP = 0.55
"""Cells above this share are so dark that their number is white."""


class Bars(NamedTuple):
    """One row of a bar chart."""

    name: str
    color: Color
    shares: Sequence[Share]
    """In [0, 1]; None if there is no value."""
    note: str = ""
    """Words below the name."""


def draw_bars(titles: Sequence[str], rows: Sequence[Bars], label: str) -> Drawing:
    """Draw a bar for each share of each row, with its number.

    Args:
        titles: Says what the first, second and third bar of each row is.
    """
    texts = [text for row in rows for text in (row.name, row.note)]
    names = 32 + LETTER * max(map(len, texts), default=0)
    height, length, top = max(34, 12 * len(titles) + 8), 230, 30
    drawing = Drawing(names + length + 50, top + height * len(rows), label)
    left = names
    for title, hue in zip(titles, HUES, strict=False):
        drawing.box(left, 4, 11, 11, hue)
        drawing.text((left + 16, 10), title)
        left += 34 + LETTER * len(title)
    for row in rows:
        swatch(drawing, 2, top + 8, row.color)
        drawing.text((20, top + 8), row.name)
        drawing.text((20, top + 23), row.note, fill="soft", size=11)
        for index, share in enumerate(row.shares):
            y = top + 2 + 12 * index
            drawing.box(names, y, length, 10, "rail")
            drawing.box(names, y, length * (share or 0), 10, HUES[index])
            drawing.text((names + length + 6, y + 5), to_percent(share), fill="soft", size=10)
        top += height
    return drawing


def draw_confusion(
    nodes: Sequence[Named],
    counts: Sequence[Sequence[int]],
    label: str,
    *,
    marked: Sequence[tuple[int, int]] = (),
    small: bool = False,
) -> Drawing:
    """Draw a square of cells: each row's counts divided by the row's sum.

    Each cell has a tooltip and takes the keyboard focus. Tab enters at the first cell.

    Args:
        nodes: Names and colors of rows and columns.
        counts: Pixels; rows are the truth, columns the parsing.
        marked: Row and column of cells that get a frame.
        small: Fit it to a phone: small cells without numbers. More than 25 parts are wider.
    """
    size = 10 if small else 12
    names = 30 + LETTER * size / 12 * max(len(name) for name, _ in nodes)
    cell = max(10, (NARROW - names - 4) / len(nodes)) if small else CELL
    side = names + cell * len(nodes) + 4
    drawing = Drawing(side, side, label, role="group")
    for index, (name, color) in enumerate(nodes):
        middle = names + cell * index + cell / 2
        drawing.text((names - 24, middle), name, anchor="end", size=size)
        drawing.text((middle, names - 24), name, upright=True, size=size)
        swatch(drawing, names - 18, middle, color)
        swatch(drawing, middle - 6, names - 12, color)
    for down, row in enumerate(counts):
        total = sum(row)
        for right, count in enumerate(row):
            share = count / total if total else 0.0
            first = (down, right) == (0, 0)
            title = _meaning(nodes[down][0], nodes[right][0], count, total)
            with drawing.cell(title, 0 if first else -1):
                place = (names + cell * right, names + cell * down)
                _cell(drawing, place, share, cell, is_marked=(down, right) in marked)
    return drawing


def draw_calibration(bins: Sequence[tuple[Share, Share, int]], label: str) -> Drawing:
    """Draw how often pixels of each confidence are right, beside the line of equality.

    Args:
        bins: Mean confidence, share that is right, and number of pixels. The bins have equal
            width and fill [0, 1]; empty ones have None.
    """
    left, top, side = 58, 10, 300
    drawing = Drawing(left + side + 20, top + side + 50, label)
    bottom = top + side
    for step in range(5):
        at, words = side * step / 4, f"{25 * step}%"
        drawing.line([(left, bottom - at), (left + side, bottom - at)], "rail")
        drawing.text((left - 6, bottom - at), words, anchor="end", fill="soft")
        drawing.text((left + at, bottom + 14), words, anchor="middle", fill="soft")
    width = side / max(1, len(bins))
    for index, (confidence, right, count) in enumerate(bins):
        if confidence is None or right is None:
            continue
        x, (low, high) = left + width * index + 1, sorted((confidence, right))
        pixels = counted(count, "pixel")
        with drawing.cell(f"confidence {confidence:.1%}: {right:.1%} right, {pixels}"):
            drawing.box(x, bottom - side * right, width - 2, side * right, "bar")
            drawing.box(x, bottom - side * high, width - 2, side * (high - low), "gap")
    drawing.line([(left, bottom), (left + side, top)], "soft", dashed=True)
    drawing.text((left + side / 2, bottom + 36), "confidence", anchor="middle")
    drawing.text((12, top + side / 2), "share that is right", anchor="middle", upright=True)
    return drawing


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 photo", "2,000 photos"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def to_percent(share: Share) -> str:
    """Return a share in percent, or a dash for None."""
    return "-" if share is None else f"{share:.1%}"


def _cell(drawing: Drawing, place: Point, share: float, pitch: Number, *, is_marked: bool) -> None:
    (left, top), side = place, pitch - (2 if pitch >= CELL else 1)
    opacity = 0.07 + 0.93 * share
    frame = "marked" if is_marked else None
    drawing.box(left, top, side, side, "bar", opacity=opacity, frame=frame)
    if share >= PRINTED and pitch >= CELL:
        fill, middle = "paper" if share > DEEP else "ink", (left + side / 2, top + side / 2)
        drawing.text(middle, f"{100 * share:.0f}", fill=fill, anchor="middle", size=11)


def _meaning(truth: str, parsed: str, count: int, total: int) -> str:
    if not total:
        return f"{truth} is in no photo"
    words = f"{truth} parsed as {parsed}" if truth != parsed else f"{truth} found"
    return f"{words}: {count / total:.1%}, {counted(count, 'pixel')}"
