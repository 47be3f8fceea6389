"""`grapy eval`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grapy_cli.cli.command import AsJson, command
from grapy_cli.cli.console import percent, results, say, show_table
from grapy_cli.errors import BaselineError, PhotoError, SettingsError
from grapy_cli.runtime.gc_pause import loading
from grapy_cli.runtime.reporting import Reporter, Told
from grapy_cli.settings.handover import handed_over
from grapy_cli.settings.settings import Settings

if TYPE_CHECKING:
    from grapy_cli.evaluate.records import Case, EvalReport, Result

app = typer.Typer(add_completion=False)


@command(
    app,
    "data.dataset",
    "data.root",
    "evaluate",
    "infer.labels",
    "infer.longest_side",
    "infer.reduced_jpeg",
    "batch.size",
    "run",
    name="eval",
    example="grapy eval --dataset atr --weights runs/joint/best --out scores",
)
def evaluate(
    pred: Annotated[
        Path | None, typer.Option("--pred", help="Folder of masks to score, by any tool.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            help="Folder of the label maps those are held to, or of a prepared data set.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    parts: Annotated[bool, typer.Option("--parts", help="Show every part as well.")] = False,
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Score networks on prepared data sets, or masks of any tool."""
    with loading():
        from grapy_cli.evaluate.baseline import compare, read_baseline
        from grapy_cli.evaluate.run import run_evaluate, run_evaluate_masks, to_text
        from grapy_cli.runtime.launch import is_launched

    chosen = settings.evaluate
    _check_folders(pred, truth, chosen.remap)
    baseline = read_baseline(chosen.baseline) if chosen.baseline else None
    if settings.run.gpus > 1 and not is_launched():
        _launch(settings, _arguments(pred, truth, as_json=as_json, parts=parts))
        return
    if pred is not None and truth is not None:
        report = run_evaluate_masks(pred, truth, settings, reporter)
    else:
        report = run_evaluate(settings, reporter)
    if report is None:  # only one of several processes prints
        return
    if as_json:
        typer.echo(to_text(report), nl=False)
    else:
        _show(report, parts=parts)
    if baseline is not None:
        reporter(Told(compare(report.to_json(), baseline, chosen.tolerance)))
    if any(result.skipped for result in report.results):
        raise typer.Exit(PhotoError.exit_code)


def _check_folders(pred: Path | None, truth: Path | None, remap: str | None) -> None:
    if remap and pred is None:
        raise SettingsError(
            "--remap needs --pred: it translates the masks of another tool",
            hint="Leave out --remap, or add --pred and --truth.",
        )
    if (pred is None) != (truth is None):
        missing = "--truth" if truth is None else "--pred"
        raise SettingsError(
            f"--pred and --truth must be used together: {missing} is missing",
            hint="grapy eval --pred masks --truth data/atr/labels/level3 --dataset atr",
        )


def _launch(settings: Settings, arguments: Sequence[str]) -> None:
    """Evaluate in several processes of this machine, with arguments that are not settings."""
    from grapy_cli.runtime.launch import launch

    go_on = "the same command; with --out, what is scored stays scored"
    try:
        with handed_over(settings) as file:
            launch(["eval", "--config", str(file), *arguments], settings.run.gpus, go_on=go_on)
    except (PhotoError, BaselineError) as error:
        # The work is done, and another process has reported the failures.
        raise typer.Exit(error.exit_code) from error


def _arguments(pred: Path | None, truth: Path | None, *, as_json: bool, parts: bool) -> list[str]:
    given = {"--pred": pred, "--truth": truth}
    folders = [word for name, path in given.items() if path for word in (name, str(path))]
    return [*folders, *["--json"] * as_json, *["--parts"] * parts]


_SCORES = {
    "accuracy": "mean_accuracy",
    "pixels": "pixel_accuracy",
    "F1": "mean_f1",
    "edges": "boundary_iou",
}
"""Columns of the table after the mean IoU; the JSON has more."""


def _show(report: "EvalReport", *, parts: bool) -> None:
    cases = list(dict.fromkeys(result.case for result in report.results))
    heads = ["data set", ">level", ">mIoU", ">95 %", *(f">{head}" for head in _SCORES)]
    number = [">#"] if len(cases) > 1 else []
    show_table([*number, *heads], (_row(result, cases) for result in report.results))
    if parts:
        rows = (row for result in report.results for row in _part_rows(result, cases))
        part_heads = ("IoU", "accuracy", "F1", "edges")
        show_table([*number, "data set", ">level", "part", *(f">{h}" for h in part_heads)], rows)
    for line in _provenance(report, cases):
        say(results(), line, "dim")


def _row(result: "Result", cases: Sequence["Case"]) -> list[str]:
    ends = result.interval.get("mean_iou")
    interval = "-".join(f"{100 * end:.1f}" for end in ends) if ends else "-"
    ratios = (percent(getattr(result.scores, name)) for name in _SCORES.values())
    place = [*_number(result, cases), result.dataset, str(result.level)]
    return [*place, percent(result.scores.mean_iou), interval, *ratios]


def _part_rows(result: "Result", cases: Sequence["Case"]) -> Iterator[list[str]]:
    for name, part in result.scores.parts.items():
        ratios = map(percent, (part.iou, part.accuracy, part.f1, part.boundary_iou))
        yield [*_number(result, cases), result.dataset, str(result.level), name, *ratios]


def _number(result: "Result", cases: Sequence["Case"]) -> list[str]:
    return [str(cases.index(result.case) + 1)] if len(cases) > 1 else []


def _provenance(report: "EvalReport", cases: Sequence["Case"]) -> Iterator[str]:
    """Return the protocol in a few short lines."""
    protocol: dict[str, Any] = report.protocol
    yield ""
    if len(cases) > 1:
        yield from (f"#{number} {case}" for number, case in enumerate(cases, 1))
    for result in {result.dataset: result for result in report.results}.values():
        data = protocol["data"][result.dataset]
        skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
        yield (
            f"{result.dataset} {result.split or 'masks'}: {result.photos} of {data['listed']} "
            f"photos{skipped}, list {data['list_sha256'][:12]}, label set {data['label_set']}"
        )
    for one in report.parsers:
        if weights := one.get("weights"):
            side = f"{one['longest_side']} pixels" if one["longest_side"] else "own size"
            yield f"{one['parser']}: {weights['file']}, sha256 {weights['sha256'][:12]}, {side}"
        else:
            yield f"masks: {one['masks']}"
    how = ("protocol", "tta", "device", "precision", "threads")
    yield ", ".join(f"{key} {protocol[key]}" for key in how if protocol.get(key))
    tools = ("grapy", "torch", "numpy", "pillow", "python")
    yield ", ".join(f"{key} {protocol[key]}" for key in tools)
