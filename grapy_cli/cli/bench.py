"""`grapy bench`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from grapy_cli.cli.command import AsJson, command
from grapy_cli.cli.console import results, say, show_table
from grapy_cli.errors import SettingsError
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer(add_completion=False)


@command(
    app,
    "data.dataset",
    "bench",
    "infer",
    "batch.size",
    "run.device",
    "run.threads",
    example="grapy bench photos/ --dataset atr --against plain.toml",
)
def bench(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE", help="Photos or folders; without any, some are drawn."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="Settings that differ, as TOML: measured by turns, with ratio and agreement.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a table for a README.")
    ] = False,
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Measure how fast photos are parsed here, and how much time each stage takes.

    Without --dataset, photos are parsed by the first label set that the weights know.
    """
    if as_json and as_markdown:
        raise SettingsError("--json and --markdown cannot be used together", hint="Leave one out.")
    with loading():
        from grapy_cli.bench.run import run_bench

    report = run_bench(sources or [], against, settings, reporter)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, allow_nan=False))
    elif as_markdown:
        typer.echo(report.to_markdown())
    else:
        show_table(report.columns(), report.rows())
        for sentence in report.sentences():
            say(results(), sentence)
