"""Everything an evaluation leaves for people: the page, its charts as PNG, and the table."""

import re
from collections.abc import Iterable
from pathlib import Path

from grapy_cli.atomic import replacing, write_text
from grapy_cli.evaluate.records import EvalReport, Look, PhotoScore, Result
from grapy_cli.evaluate.report.figures import CHARTS, figures_of
from grapy_cli.evaluate.report.page import render_page, whole_results
from grapy_cli.evaluate.report.tables import to_csv, to_markdown

PAGE, CSV, MARKDOWN, FIGURES = "report.html", "scores.csv", "scores.md", "figures"


def write_report(folder: Path, report: EvalReport, rows: Iterable[PhotoScore], look: Look) -> Path:
    """Write report.html, scores.csv, scores.md and figures/*.png, and return the page.

    The same findings give the same bytes, in whatever order the rows come.

    Args:
        folder: Made where it is missing.
        report: The numbers.
        rows: One for each photo, gone through once.
        look: Gets the pictures of a photo that is shown.
    """
    write_text(folder / CSV, to_csv(report.results))
    write_text(folder / MARKDOWN, to_markdown(report.results))
    _draw_figures(folder / FIGURES, whole_results(report))
    write_text(folder / PAGE, render_page(report, rows, look))
    return folder / PAGE


def _draw_figures(folder: Path, whole: list[Result]) -> None:
    """Draw the charts of all results, and remove those that an earlier run drew of others."""
    drawn = set()
    for result in whole:
        for name, picture in figures_of(result):
            path = folder / f"{_prefix(result, whole)}{name}.png"
            with replacing(path) as beside:
                picture.save(beside, "PNG")
            drawn.add(path)
    for name in CHARTS:
        for path in set(folder.glob(f"*-{name}.png")) - drawn:
            path.unlink()


def _prefix(result: Result, whole: list[Result]) -> str:
    """What a figure's name begins with: the data set, and where there are several the case."""
    cases = list(dict.fromkeys(it.case for it in whole))
    if len(cases) == 1:
        return f"{result.dataset}-"
    case = re.sub(r"[^A-Za-z0-9._]+", "-", str(result.case))[:80]
    return f"{result.dataset}-{cases.index(result.case) + 1}-{case}-"
