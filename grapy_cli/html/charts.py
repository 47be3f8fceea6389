"""Charts that are tables or plain lines: read by eye, by keyboard and aloud."""

from collections.abc import Sequence
from html import escape

from grapy_cli.html.elements import Color

STYLE = """
.chart th, .chart td { padding: .1rem .35rem; border-bottom: 0; vertical-align: middle }
.chart th { color: var(--ink); font-weight: 400; white-space: nowrap }
.chart thead th { color: var(--soft) }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .4em; border: 1px solid var(--line); vertical-align: -.05em }
.bars { width: 100%; table-layout: fixed } .bars th { overflow: hidden; text-overflow: ellipsis }
.bars th:first-child { width: 40% }
.bars td { text-align: left }
.bars td span { display: block; padding: 0 .35rem; border-radius: 3px; white-space: nowrap;
  background: linear-gradient(var(--bar), var(--bar)) no-repeat var(--card);
  background-size: var(--to, 0) 100%; color: var(--ink);
  --bar: color-mix(in srgb, var(--hue) 45%, var(--card)) }
.heat { border-collapse: separate; border-spacing: 1px; font-size: 11px }
.heat td { width: 1.85rem; min-width: 1.85rem; height: 1.7rem; padding: 0; text-align: center;
  border-radius: 2px; background: color-mix(in srgb, var(--hue) var(--much, 0%), var(--card)) }
.heat td:focus-visible { outline: 2px solid var(--ink); outline-offset: 1px }
.heat .deep { color: #fff } .heat .framed { box-shadow: inset 0 0 0 2px var(--odd) }
.heat thead td { background: none }
.heat thead th { height: 8rem; padding: 0; vertical-align: bottom }
.heat thead span { writing-mode: sideways-lr; display: inline-block }
@supports not (writing-mode: sideways-lr) {
  .heat thead span { writing-mode: vertical-rl; transform: rotate(180deg) } }
.map output { display: block; min-height: 1.5em; color: var(--soft); font-size: 13px }
.heat th:first-child { text-align: right; position: sticky; left: 0; background: var(--paper) }
.plot { max-width: 20rem } .plot .line { stroke: var(--soft); stroke-dasharray: 4 4 }
.plot .grid { stroke: var(--line) } .plot text { fill: var(--soft) }
.plot .gap { fill: var(--bad); opacity: .35 }
:root { --hue: #2f6bc4 }
@media (prefers-color-scheme: dark) { :root { --hue: #3d7bd6 } }
@media print { .chart, .plot { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  .heat td { width: 1.45rem; min-width: 1.45rem } .map output { display: none } }
""".strip()

SCRIPT = """
const told = (event) => {
  const cell = event.target.closest(".heat td[title]");
  if (cell) cell.closest(".map").querySelector("output").value = cell.title;
};
document.addEventListener("focusin", told);
document.addEventListener("pointerover", told);
const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
document.addEventListener("keydown", (event) => {
  const cell = event.target.closest(".heat td"), step = steps[event.key];
  if (!cell || !step) return;
  const rows = cell.closest("tbody").rows, row = cell.parentElement.sectionRowIndex + step[0];
  const next = rows[row]?.cells[cell.cellIndex + step[1]];
  if (next?.tagName !== "TD") return;
  event.preventDefault();
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
""".strip()
"""Arrow keys walk through a heat map, whose line below says what the cell means."""

PRINTED = 0.05  # shares below this have their number on hover and focus alone
HINT = "Point at a cell, or walk with Tab and the arrow keys, to read it."
DEEP = 0.55  # shares above this are so dark that their number is white

Share = float | None


def bar_table(
    columns: Sequence[str], rows: Sequence[tuple[str, Color, Sequence[Share]]], what: str
) -> str:
    """A row for each name, a bar for each of its shares in [0, 1]; a dash where there is none."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("", *columns))
    body = "".join(
        f'<tr><th scope="row">{_swatch(color)}{escape(name)}</th>{"".join(map(_bar, shares))}</tr>'
        for name, color, shares in rows
    )
    return (
        f'<table class="chart bars" aria-label="{escape(what)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def heat_map(
    nodes: Sequence[tuple[str, Color]],
    counts: Sequence[Sequence[int]],
    what: str,
    *,
    marked: Sequence[tuple[int, int]] = (),
) -> str:
    """A square of shares: each row's counts divided by the row's sum.

    Every cell says its names, share and count when it is pointed at or reached with arrow keys.

    Args:
        nodes: Names and colours of rows and columns.
        counts: The square, row by row.
        what: Says what it shows.
        marked: Row and column of cells that get a frame.
    """
    head = "".join(
        f'<th scope="col"><span>{_swatch(color)}{escape(name)}</span></th>' for name, color in nodes
    )
    names, framed = [name for name, _ in nodes], set(marked)
    body = []
    for down, ((name, color), row) in enumerate(zip(nodes, counts, strict=True)):
        total = sum(row)
        cells = (
            _cell((name, names[right]), count, total, (down, right), framed=(down, right) in framed)
            for right, count in enumerate(row)
        )
        title = f'<th scope="row">{escape(name)} {_swatch(color)}</th>'
        body.append(f"<tr>{title}{''.join(cells)}</tr>")
    return (
        f'<div class="map"><div class="wide" role="region" aria-label="{escape(what)}">'
        f'<table class="chart heat"><thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div><output>{HINT}</output></div>"
    )


def reliability(bins: Sequence[tuple[float, float, int]], what: str) -> str:
    """How often what was said with some confidence was right: bars beside the line of equality.

    Args:
        bins: Mean confidence and share that was right, in [0, 1], and how many there are, of bins
            of equal width that fill [0, 1].
        what: Says what it shows.
    """
    side, left, wide = 260, 42, 260 / max(1, len(bins))
    lines = [
        f'<line class="grid" x1="{left}" x2="{left + side}" y1="{y}" y2="{y}"/>'
        f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{share:.0%}</text>'
        for share, y in ((step / 4, side - side * step / 4 + 6) for step in range(5))
    ]
    for index, (confidence, right, count) in enumerate(bins):
        if not count:
            continue
        x, low, high = left + index * wide, min(confidence, right), max(confidence, right)
        words = f"confidence {confidence:.1%}: {right:.1%} right, {count:,} pixels"
        lines.append(
            f'<g><title>{words}</title><rect class="bar" x="{x + 1:.1f}" '
            f'y="{6 + side * (1 - right):.1f}" width="{wide - 2:.1f}" height="{side * right:.1f}"/>'
            f'<rect class="gap" x="{x + 1:.1f}" y="{6 + side * (1 - high):.1f}" '
            f'width="{wide - 2:.1f}" height="{side * (high - low):.1f}"/></g>'
        )
    lines += [
        f'<line class="line" x1="{left}" y1="{side + 6}" x2="{left + side}" y2="6"/>',
        f'<text x="{left}" y="{side + 24}">0</text>'
        f'<text x="{left + side}" y="{side + 24}" text-anchor="end">100% sure</text>',
    ]
    return (
        f'<svg class="plot" role="img" aria-label="{escape(what)}" '
        f'viewBox="0 0 {left + side + 6} {side + 30}">{"".join(lines)}</svg>'
    )


def _swatch(color: Color) -> str:
    return f'<i class="swatch" style="background:rgb{color}"></i>'


def _bar(share: Share) -> str:
    if share is None:
        return "<td><span>-</span></td>"
    return f'<td><span style="--to:{share:.1%}">{share:.1%}</span></td>'


def _cell(
    names: tuple[str, str], count: int, total: int, place: tuple[int, int], *, framed: bool
) -> str:
    """One cell; the first of all is where Tab enters the map."""
    share = count / total if total else 0.0
    words = f"{names[0]} taken for {names[1]}" if names[0] != names[1] else f"{names[0]} found"
    said = f"{words}: {share:.1%}, {count:,} pixels" if total else f"{names[0]} is nowhere"
    kinds = [*(["framed"] if framed else []), *(["deep"] if share > DEEP else [])]
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    number = f"{100 * share:.0f}" if share >= PRINTED else ""
    much = f' style="--much:{share:.0%}"' if share >= 0.005 else ""
    stop = 0 if place == (0, 0) else -1
    return f'<td{kind}{much} title="{escape(said)}" tabindex="{stop}">{number}</td>'
