"""`grapy prepare`."""

from collections.abc import Mapping
from typing import Any

import typer

from grapy_cli.cli.command import command
from grapy_cli.cli.console import show_table
from grapy_cli.errors import PhotoError
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer(add_completion=False)


@command(
    app,
    "data.dataset",
    "data.root",
    "prepare",
    "prepare.synthetic",
    example="grapy prepare --dataset cihp --source ~/Downloads/instance-level_human_parsing.tar.gz",
)
def prepare(*, settings: Settings, reporter: Reporter) -> None:
    """Turn a downloaded data set into one for training and scoring.

    Without a download, `--dataset synthetic` makes people on the spot.
    """
    with loading():
        from grapy_cli.prepare.run import run_prepare

    summary = run_prepare(settings, reporter)
    for dataset in summary.datasets:
        if dataset.audit:
            _show_parts(dataset.name, dataset.audit)
            _show_problems(dataset.name, dataset.audit)
    if summary.rejected:
        raise typer.Exit(PhotoError.exit_code)


def _show_parts(name: str, audit: Mapping[str, Any]) -> None:
    rows = [
        (part, f"{row['photos']:,}", f"{row['photo_share']:.1%}", f"{row['pixel_share']:.2%}")
        for part, row in audit["parts"].items()
    ]
    show_table(["part", ">photos", ">of photos", ">of pixels"], rows, title=name)


def _show_problems(name: str, audit: Mapping[str, Any]) -> None:
    from grapy_cli.prepare.problems import CHECKS

    rows = [
        (problem, f"{count:,}", CHECKS[problem].severity, CHECKS[problem].says)
        for problem, count in audit["problems"].items()
    ]
    if rows:
        columns = ["problem", ">rows", "severity", "what it is"]
        show_table(columns, rows, title=f"{name}: problems")
