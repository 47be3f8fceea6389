"""`grapy predict`."""

from typing import Annotated

import typer

from grapy_cli.cli.command import command
from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.safe_text import spelled
from grapy_cli.settings.settings import Settings

app = typer.Typer(add_completion=False)

_SOURCES_HELP = (
    "Photos, videos, folders, quoted globs, @list.txt, or - for a photo or a list on "
    "standard input."
)


@command(
    app,
    "data.dataset",
    "predict",
    "batch",
    "infer",
    "run",
    example="grapy predict photos/ --dataset atr --out masks --save mask,overlay",
)
def predict(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help=_SOURCES_HELP)
    ] = None,
    *,
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Parse photos: write a mask of body parts and garments for each photo."""
    if not sources:
        raise SettingsError(
            "name at least one photo", hint="grapy predict me.jpg --dataset atr --out masks"
        )
    with loading():
        from grapy_cli.predict.run import plan_predict, run_predict

    if settings.batch.dry_run:
        for planned in plan_predict(sources, settings):
            state = "done " if planned.is_done else "to do"
            typer.echo(spelled(f"{state}  {planned.photo} -> {', '.join(planned.files)}"))
        return
    if run_predict(sources, settings, reporter).failed:
        raise typer.Exit(PhotoError.exit_code)
