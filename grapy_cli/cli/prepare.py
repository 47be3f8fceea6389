"""`grapy prepare`."""

import typer

from grapy_cli.cli.command import command
from grapy_cli.errors import PhotoError
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer()


@command(
    app,
    "data.dataset",
    "data.root",
    "prepare",
    panel="Work",
    example="grapy prepare --dataset cihp --source ~/Downloads/instance-level_human_parsing.tar.gz",
)
def prepare(*, settings: Settings, reporter: Reporter) -> None:
    """Turn a data set as it is downloaded into one that trains and scores."""
    from grapy_cli.prepare.run import run_prepare

    summary = run_prepare(settings, reporter)
    if summary.rejected:
        raise typer.Exit(PhotoError.exit_code)
