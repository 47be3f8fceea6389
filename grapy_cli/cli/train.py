"""`grapy train`."""

import typer

from grapy_cli.cli.command import command
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer()


@command(
    app,
    "data",
    "model",
    "train",
    "infer.tta",
    "infer.longest_side",
    "run",
    panel="Work",
    example="grapy train --stage joint --dataset cihp,atr,pascal --gpus 4",
)
def train(*, settings: Settings, reporter: Reporter) -> None:
    """Train a network: pretrain without the pyramid, joint on all data sets, finetune on one."""
    from grapy_cli.runtime.launch import is_launched
    from grapy_cli.train.run import run_train

    summary = run_train(settings, reporter)
    if not is_launched():  # of several processes, only the one that was typed answers
        typer.echo(summary.folder)
