"""Write what an evaluation leaves for people: the page, its charts as SVG, and the table."""

import re
from collections.abc import Iterable
from pathlib import Path

from grapy_cli.atomic import write_text
from grapy_cli.evaluate.records import EvalReport, Look, PhotoScore, Result
from grapy_cli.evaluate.report.figures import CHARTS, draw_figures
from grapy_cli.evaluate.report.page import part_results, render_page
from grapy_cli.evaluate.report.tables import to_csv, to_markdown

PAGE, CSV, MARKDOWN, FIGURES = "report.html", "scores.csv", "scores.md", "figures"


def write_report(folder: Path, report: EvalReport, rows: Iterable[PhotoScore], look: Look) -> Path:
    """Write report.html, scores.csv, scores.md and figures/*.svg, and return the page.

    The same findings give the same bytes, in any order of the rows.

    Args:
        folder: Made if it is missing.
        rows: One for each photo; they are read once.
    """
    write_text(folder / CSV, to_csv(report.results))
    write_text(folder / MARKDOWN, to_markdown(report.results))
    _write_figures(folder / FIGURES, part_results(report))
    write_text(folder / PAGE, render_page(report, rows, look))
    return folder / PAGE


def _write_figures(folder: Path, results: list[Result]) -> None:
    """Write the charts of all results, and remove charts of other results from an earlier run."""
    written = set()
    for result in results:
        for name, drawing in draw_figures(result).items():
            path = folder / f"{_prefix(result, results)}{name}.svg"
            write_text(path, drawing.to_file())
            written.add(path)
    for name in CHARTS:
        for path in set(folder.glob(f"*-{name}.svg")) - written:
            path.unlink()


def _prefix(result: Result, results: list[Result]) -> str:
    """Return the start of a file name: the data set, and with several cases the case."""
    cases = list(dict.fromkeys(it.case for it in results))
    if len(cases) == 1:
        return f"{result.dataset}-"
    case = re.sub(r"[^A-Za-z0-9._]+", "-", str(result.case))[:80]
    return f"{result.dataset}-{cases.index(result.case) + 1}-{case}-"
