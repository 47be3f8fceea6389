"""`report.html`: what an evaluation found, as one page to look at and to send to somebody."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from grapy_cli.evaluate.records import EvalReport, Look, PhotoScore, Result
from grapy_cli.evaluate.report import sections
from grapy_cli.evaluate.report.album import fill_album
from grapy_cli.evaluate.report.choose import Few, choose_photos
from grapy_cli.evaluate.report.tables import to_texts
from grapy_cli.html.elements import page, table
from grapy_cli.labels import Level

STYLE = f"""
{sections.STYLE}
nav {{ display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .8rem 0 }}
a {{ color: var(--bar) }} summary {{ cursor: pointer }}
a:focus-visible, summary:focus-visible, .wide:focus-visible {{ outline: 2px solid var(--bar);
  outline-offset: 2px }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 }}
dl dl {{ margin: 0 0 .4rem }} dt {{ color: var(--soft) }} dd {{ margin: 0; min-width: 0 }}
@media (max-width: 600px) {{ dl {{ grid-template-columns: 1fr }} dd {{ margin-left: 1rem }} }}
.scores td {{ white-space: nowrap }}
@media print {{ figure, .shots > div, tr {{ break-inside: avoid }} nav {{ display: none }}
  .wide {{ overflow: visible }} .scores {{ font-size: 9px }}
  .scores th, .scores td {{ padding-right: .4rem }} }}
""".strip()
SKIPPED_SHOWN = 50


def render_page(report: EvalReport, rows: Iterable[PhotoScore], look: Look) -> str:
    """Write the page; the same findings give the same bytes, in whatever order the rows come.

    Args:
        report: The numbers.
        rows: One for each photo, gone through once.
        look: Gets the pictures of the photos that are shown, one photo at a time.
    """
    whole = whole_results(report)
    chosen = choose_photos(rows, Few.of(len(whole)))
    body = [*_head(report, whole)]
    for index, result in enumerate(whole):
        album = fill_album(chosen[result.case, result.dataset], result.label_set, look)
        body += sections.say_result(result, album, _anchor(index))
    return page("grapy eval", body, style=STYLE, script=sections.SCRIPT)


def whole_results(report: EvalReport) -> list[Result]:
    """The results of the parts, which have pictures; coarser levels are rows of the table alone."""
    return [result for result in report.results if result.level == Level.PART]


def _anchor(index: int) -> str:
    return f"result-{index + 1}"


def _head(report: EvalReport, whole: Sequence[Result]) -> Iterator[str]:
    yield "<h1>Evaluation</h1>"
    cases = "; ".join(dict.fromkeys(str(result.case) for result in whole))
    photos = {result.dataset: f"{result.dataset} ({result.photos:,} photos)" for result in whole}
    yield f'<p class="soft">{escape(cases)} on {escape(", ".join(photos.values()))}</p>'
    yield f'<div class="scores">{table(*to_texts(report.results))}</div>'
    yield (
        '<p class="soft">In percent. Level 3: parts; 2: head, torso, arms and legs; 1: person. '
        "Between low and high lie 95 % of the mIoU that as many photos drawn from these have.</p>"
    )
    facts = {"protocol": report.protocol, "scored": report.parsers or report.weights}
    yield f"<details><summary>How this was measured</summary>{_facts(facts)}</details>"
    yield from _skipped(whole)
    if len(whole) > 1:
        links = (
            f'<a href="#{_anchor(index)}">{escape(sections.title_of(result))}</a>'
            for index, result in enumerate(whole)
        )
        yield f"<nav>{''.join(links)}</nav>"


def _facts(value: object) -> str:
    """Values within values, as they stand in the JSON."""
    match value:
        case {}:
            rows = (
                f"<dt>{escape(str(key))}</dt><dd>{_facts(it)}</dd>" for key, it in value.items()
            )
            return f"<dl>{''.join(rows)}</dl>"
        case [{}, *_]:
            return "".join(map(_facts, value))
        case list():
            return escape(", ".join(map(str, value)))
        case None:
            return "-"
        case _:
            return escape(str(value))


def _skipped(whole: Sequence[Result]) -> Iterator[str]:
    every = ((it.dataset, row["photo"], row["reason"]) for it in whole for row in it.skipped)
    rows = list(dict.fromkeys(every))  # once, however many cases left it out
    if not rows:
        return
    more = len(rows) - SKIPPED_SHOWN
    yield f"<details><summary>Photos that were skipped: {len(rows):,}</summary>"
    yield table(["data set", "photo", "why"], rows[:SKIPPED_SHOWN])
    yield f"<p>and {more:,} more: scores.json</p></details>" if more > 0 else "</details>"
