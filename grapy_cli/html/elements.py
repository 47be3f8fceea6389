"""The bare page that reports are written on: its style, and the few elements it is made of."""

from collections.abc import Iterable, Sequence
from html import escape

Color = tuple[int, int, int]

STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #626b76; --paper: #ffffff;
  --card: #f4f5f7; --line: #d9dde2; --bar: #3f74c4; --second: #9db9e2; --bad: #b3261e;
  --odd: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e7e9ec; --soft: #9aa4b0; --paper: #15181c;
  --card: #1f242a; --line: #343b44; --bar: #7aa7ea; --second: #3c5d8f; --bad: #ff8a80;
  --odd: #f2c14e } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1280px; padding: 1.5rem 1rem 4rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem }
h3 { font-size: 1rem; margin: 1.4rem 0 .5rem } p { margin: .3rem 0 } .soft { color: var(--soft) }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0 }
.tile { background: var(--card); border-radius: 8px; padding: .5rem .9rem; min-width: 6.5rem }
.tile b { display: block; font-size: 1.3rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: normal }
th { color: var(--soft); font-weight: 500 } .number { text-align: right }
.rejected { color: var(--bad) } .warning { color: var(--odd) } .note { color: var(--soft) }
svg { display: block; width: 100%; font: 13px system-ui, sans-serif } svg text { fill: var(--ink) }
.bar { fill: var(--bar) } .second { fill: var(--second) } .rail { fill: var(--card) }
.cards { display: grid; gap: .8rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)) }
figure { margin: 0; background: var(--card); border-radius: 8px; padding: .7rem }
.pair { display: flex; gap: .4rem; align-items: flex-start }
.pair > div { flex: 1 1 0; min-width: 0 }
.pair img { width: 100%; display: block; border-radius: 4px } .pair small { color: var(--soft) }
figcaption { margin-top: .5rem }
.chips { display: flex; flex-wrap: wrap; gap: .15rem .7rem; margin-top: .4rem; font-size: 13px }
.chips i { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .3em; border: 1px solid var(--line) }
""".strip()


def page(title: str, body: Iterable[str], *, style: str = "", script: str = "") -> str:
    """A whole document that needs no other file.

    Args:
        title: Of the window.
        body: Elements, a line each.
        style: More CSS than all pages share.
        script: JavaScript that runs when the body is there.
    """
    content = "\n".join(body)
    css = f"{STYLE}\n{style}".strip()
    end = f"\n<script>\n{script}\n</script>" if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}\n</style>\n</head>\n"
        f"<body>\n{content}{end}\n</body>\n</html>\n"
    )


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """Large numbers in a row, each with what it counts."""
    inside = "".join(
        f'<div class="tile"><b>{escape(number)}</b>{escape(what)}</div>' for what, number in figures
    )
    return f'<div class="tiles">{inside}</div>'


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], classes: Sequence[str] = ()
) -> str:
    """A table; heads that begin with ">" have numbers below them, rows may have a class each."""
    kinds = [' class="number"' if column.startswith(">") else "" for column in columns]
    head = "".join(
        f"<th{kind}>{escape(column.removeprefix('>'))}</th>"
        for kind, column in zip(kinds, columns, strict=True)
    )
    lines = []
    for index, row in enumerate(rows):
        mark = f' class="{classes[index]}"' if classes else ""
        cells = zip(kinds, row, strict=True)
        lines.append(
            f"<tr{mark}>"
            + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in cells)
            + "</tr>"
        )
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def bars(rows: Sequence[tuple[str, Color, float, float, str]]) -> str:
    """A chart: name, colour, two shares in [0, 1] and words for each row.

    Widths are percentages and heights are pixels, so that letters keep their size on any screen.
    """
    height, lines = 40, []
    for index, (name, color, first, second, words) in enumerate(rows):
        top = index * height
        lines.append(
            f'<rect x="0" y="{top + 4}" width="12" height="12" rx="2" fill="rgb{color}"/>'
            f'<text x="18" y="{top + 15}">{escape(name)}</text>'
            f'<text x="100%" y="{top + 15}" text-anchor="end">{escape(words)}</text>'
            f'<rect class="rail" x="0" y="{top + 21}" width="100%" height="13" rx="2"/>'
            f'<rect class="bar" x="0" y="{top + 21}" width="{first:.2%}" height="8" rx="2"/>'
            f'<rect class="second" x="0" y="{top + 29}" width="{second:.2%}" height="5" rx="1"/>'
        )
    return f'<svg role="img" height="{height * len(rows)}">{"".join(lines)}</svg>'


def chips(parts: Iterable[tuple[str, Color, str]]) -> str:
    """Names with their colours."""
    inside = "".join(
        f'<span><i style="background:rgb{color}"></i>{escape(name)} {escape(words)}</span>'
        for name, color, words in parts
    )
    return f'<div class="chips">{inside}</div>'
