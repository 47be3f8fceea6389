"""`grapy serve`."""

import typer

from grapy_cli.cli.command import command
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer(add_completion=False)


@command(
    app,
    "serve",
    "infer",
    "run.device",
    "run.threads",
    example="curl --data-binary @me.jpg '127.0.0.1:8000/parse?dataset=atr' -o me.png",
)
def serve(*, settings: Settings, reporter: Reporter) -> None:
    """Parse photos over HTTP, with a web page to drop photos on."""
    with loading():
        from grapy_cli.serve.run import run_serve

    run_serve(settings, reporter)
