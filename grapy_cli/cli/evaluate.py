"""`grapy eval`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grapy_cli.cli.command import command
from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

if TYPE_CHECKING:
    from grapy_cli.evaluate.report import EvalReport

app = typer.Typer()


@command(
    app,
    "data.dataset",
    "data.root",
    "data.workers",
    "evaluate",
    "infer",
    "run",
    name="eval",
    panel="Work",
    example="grapy eval --dataset atr --weights runs/joint/best --json",
)
def evaluate(
    pred: Annotated[
        Path | None, typer.Option("--pred", help="Folder of masks to score, by any tool.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Folder of the label maps those are held to.")
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    parts: Annotated[bool, typer.Option("--parts", help="Show every part as well.")] = False,
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Score a network on prepared data sets, or masks that any tool wrote."""
    report = _report(pred, truth, settings, reporter)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, allow_nan=False))
    else:
        _show(report.results, parts=parts)
    if any(result["skipped"] for result in report.results):
        raise typer.Exit(PhotoError.exit_code)


def _report(
    pred: Path | None, truth: Path | None, settings: Settings, reporter: Reporter
) -> "EvalReport":
    if (pred is None) != (truth is None):
        missing = "--truth" if truth is None else "--pred"
        raise SettingsError(
            f"--pred and --truth belong together, and {missing} is missing",
            hint="grapy eval --pred masks --truth data/atr/labels/level3 --dataset atr",
        )
    from grapy_cli.evaluate.run import run_evaluate, run_evaluate_masks

    if pred is not None and truth is not None:
        return run_evaluate_masks(pred, truth, settings, reporter)
    return run_evaluate(settings, reporter)


def _show(results: list[dict[str, Any]], *, parts: bool) -> None:
    from grapy_cli.cli.console import show_table

    show_table(
        ["data set", "split", ">level", ">mIoU", ">mean accuracy", ">pixel accuracy", ">photos"],
        [_row(result) for result in results],
    )
    if parts:
        rows = (row for result in results for row in _part_rows(result))
        show_table(["data set", ">level", "part", ">IoU", ">accuracy"], rows)


def _row(result: Mapping[str, Any]) -> list[str]:
    from grapy_cli.cli.console import percent

    ratios = (result[key] for key in ("mean_iou", "mean_accuracy", "pixel_accuracy"))
    place = (str(result[key] or "") for key in ("dataset", "split", "level"))
    return [*place, *map(percent, ratios), str(result["photos"])]


def _part_rows(result: Mapping[str, Any]) -> Iterator[list[str]]:
    from grapy_cli.cli.console import percent

    for name, scores in result["parts"].items():
        ratios = (percent(scores[key]) for key in ("iou", "accuracy"))
        yield [str(result["dataset"]), str(result["level"]), name, *ratios]
