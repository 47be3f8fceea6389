"""`grapy export`."""

import typer

from grapy_cli.cli.command import command
from grapy_cli.cli.console import results, say
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

app = typer.Typer(add_completion=False)


@command(
    app,
    "infer.weights",
    "data.dataset",
    "export",
    "run.threads",
    example="grapy export --format onnx --out model.onnx --photos photos/",
)
def export(*, settings: Settings, reporter: Reporter) -> None:
    """Write weights for another engine, and compare it with torch on photos.

    Such a file is weights for every command that parses: grapy predict --weights model.onnx.
    """
    with loading():
        from grapy_cli.export.run import run_export

    exported = run_export(settings, reporter)
    say(results(), exported.agreement.sentence())
    say(results(), f"{exported.path} ({exported.megabytes:.1f} MB)")
