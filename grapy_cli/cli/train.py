"""`grapy train`."""

from typing import Annotated

import typer

from grapy_cli.cli.command import command
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer(add_completion=False)


@command(
    app,
    "data",
    "model",
    "train",
    "infer.tta",
    "infer.longest_side",
    "run",
    example="grapy train --stage joint --dataset cihp,atr,pascal --gpus 4",
)
def train(
    *,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Make two steps and one parsing per data set, print what the run would take in "
            "time, memory and disk space, and leave nothing behind.",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Start even if a step needs more memory than there is."),
    ] = False,
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Train a network: pretrain without the pyramid, joint on all data sets, finetune on one."""
    with loading():
        from grapy_cli.runtime.launch import is_launched
        from grapy_cli.train.run import run_train

    summary = run_train(settings, reporter, dry_run=dry_run, force=force)
    if summary.estimate:
        from grapy_cli.cli.dry_run import show_estimate

        show_estimate(summary.estimate)
    elif not (dry_run or is_launched()):  # only the process of the command line prints
        typer.echo(summary.folder)
