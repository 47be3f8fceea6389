"""The table of scores, for the page, a README, or a spreadsheet."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from grapy_cli.evaluate.records import Result


class Score(NamedTuple):
    """One column of numbers: its title for people, its name in a file, and its value."""

    title: str
    name: str
    value: Callable[[Result], float | None]


# fmt: off
SCORES = (
    Score("mIoU",           "mean_iou",            lambda it: it.scores.mean_iou),
    Score("95% low",       "mean_iou_low",        lambda it: _end(it, 0)),
    Score("95% high",      "mean_iou_high",       lambda it: _end(it, 1)),
    Score("boundary IoU",   "boundary_iou",        lambda it: it.scores.boundary_iou),
    Score("mean F1",        "mean_f1",             lambda it: it.scores.mean_f1),
    Score("weighted IoU",   "weighted_iou",        lambda it: it.scores.weighted_iou),
    Score("mean accuracy",  "mean_accuracy",       lambda it: it.scores.mean_accuracy),
    Score("pixel accuracy", "pixel_accuracy",      lambda it: it.scores.pixel_accuracy),
    Score("left-right exchange", "left_right_exchange", lambda it: it.scores.left_right_exchange),
    Score("ECE",            "ece",                 lambda it: it.ece),
)
# fmt: on
PLACE = ("scored", "data set", "level", "photos")


def to_texts(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows for people, in percent; scores that no result has are left out.

    Heads of numbers begin with ">".
    """
    shown = [score for score in SCORES if any(score.value(it) is not None for it in results)]
    heads = [*PLACE[:2], *(f">{name}" for name in (*PLACE[2:], *(it.title for it in shown)))]
    rows = [[*_place(it), *(percent(score.value(it)) for score in shown)] for it in results]
    return heads, rows


def to_markdown(results: Sequence[Result]) -> str:
    """Return the table of scores as Markdown."""
    return markdown_table(*to_texts(results))


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as Markdown; heads of numbers begin with ">"."""
    lines = [
        [head.removeprefix(">") for head in heads],
        ["---:" if head.startswith(">") else "---" for head in heads],
        *([cell.strip().replace("|", "\\|") for cell in row] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_csv(results: Sequence[Result]) -> str:
    """Return the table as CSV with all digits, shares in [0, 1]; a missing score is empty."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    place = ("parser", "tta", "protocol", "dataset", "split", "level", "photos")
    rows.writerow([*place, *(score.name for score in SCORES)])
    for it in results:
        case = (it.case.parser, it.case.tta, it.case.protocol)
        where = (it.dataset, it.split, it.level, it.photos)
        rows.writerow([*case, *where, *(score.value(it) for score in SCORES)])
    return written.getvalue()


def percent(share: float | None) -> str:
    """Return a share in percent with two decimals, as papers print it; a dash for None."""
    return "-" if share is None else f"{100 * share:.2f}"


def _place(result: Result) -> tuple[str, ...]:
    dataset = " ".join(filter(None, (result.dataset, result.split)))
    return str(result.case), dataset, str(result.level), f"{result.photos:,}"


def _end(result: Result, end: int) -> float | None:
    interval = result.interval.get("mean_iou")
    return interval[end] if interval else None
