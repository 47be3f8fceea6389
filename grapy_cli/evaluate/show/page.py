"""`report.html`: what an evaluation found, as one page to look at and to send to somebody."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from grapy_cli.evaluate.records import EvalReport, Look, Result
from grapy_cli.evaluate.show import sections
from grapy_cli.evaluate.show.album import fill_album
from grapy_cli.evaluate.show.choose import Chosen, Of
from grapy_cli.evaluate.show.tables import to_texts
from grapy_cli.labels import Level
from grapy_cli.page.elements import page, table

STYLE = f"""
{sections.STYLE}
nav {{ display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .8rem 0 }}
a {{ color: var(--bar) }} summary {{ cursor: pointer }}
a:focus-visible, summary:focus-visible, .wide:focus-visible {{ outline: 2px solid var(--bar);
  outline-offset: 2px }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0 }}
dt {{ color: var(--soft) }} dd {{ margin: 0; overflow-wrap: anywhere }}
.scores td {{ white-space: nowrap }}
@media print {{ figure, .shots > div, tr {{ break-inside: avoid }} nav {{ display: none }} }}
""".strip()
SKIPPED_SHOWN = 50


def render_page(report: EvalReport, chosen: Mapping[Of, Chosen], look: Look) -> str:
    """Write the page; the same findings give the same bytes.

    Args:
        report: The numbers.
        chosen: The photos that are shown.
        look: Gets their pictures, one photo at a time.
    """
    whole = [result for result in report.results if result.level == Level.PART]
    body = [*_head(report, whole)]
    for index, result in enumerate(whole):
        few = chosen.get((result.case, result.dataset), Chosen())
        album = fill_album(few, result.label_set, look)
        body += sections.say_result(result, album, _anchor(index))
    return page("grapy eval", body, style=STYLE, script=sections.SCRIPT)


def _anchor(index: int) -> str:
    return f"result-{index + 1}"


def _head(report: EvalReport, whole: Sequence[Result]) -> Iterator[str]:
    yield "<h1>Evaluation</h1>"
    cases = dict.fromkeys(str(result.case) for result in whole)
    yield f'<p class="soft">{escape("; ".join(cases))}</p>'
    yield f'<div class="scores">{table(*to_texts(report.results))}</div>'
    yield (
        '<p class="soft">In percent. Level 3: parts, 2: head, torso, arms and legs, 1: person. '
        "Low and high are the ends of the interval that mIoU lies in when the photos are drawn "
        "anew (bootstrap).</p>"
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
    rows = [
        (result.dataset, row["photo"], row["reason"])
        for result in whole
        if result.case == whole[0].case
        for row in result.skipped
    ]
    if not rows:
        return
    more = len(rows) - SKIPPED_SHOWN
    yield f"<details><summary>Photos that were skipped: {len(rows):,}</summary>"
    yield table(["data set", "photo", "why"], rows[:SKIPPED_SHOWN])
    yield f"<p>and {more:,} more: scores.json</p></details>" if more > 0 else "</details>"
