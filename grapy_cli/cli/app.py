"""Assembles `grapy` from its commands."""

from typing import Annotated

import typer

from grapy_cli import __version__
from grapy_cli.cli import (
    bench,
    doctor,
    evaluate,
    export,
    labels,
    predict,
    prepare,
    serve,
    train,
    weights,
)

app = typer.Typer(
    name="grapy",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a defect of ours keeps Python's own traceback
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (prepare, train, evaluate, predict, serve, export):
    app.add_typer(module.app)
app.add_typer(weights.app, name="weights", rich_help_panel="Look")
for module in (labels, doctor, bench):
    app.add_typer(module.app)


def _show_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"grapy {__version__}")
        raise typer.Exit
    return wanted


@app.callback(epilog="Example: grapy predict me.jpg --dataset atr --out masks")
def grapy(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version."),
    ] = False,
) -> None:
    """Parse photos of people: every pixel gets its body part or garment."""


def main() -> None:
    """Run `grapy` with the arguments of this process, and exit with its code."""
    app(prog_name="grapy")
