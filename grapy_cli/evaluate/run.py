"""`grapy eval`: scores of weights on prepared data sets, or of masks that any tool wrote."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from grapy_cli.atomic import write_text
from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.evaluate import provenance
from grapy_cli.evaluate.build import build_job, load_parsers
from grapy_cli.evaluate.evaluator import Evaluator, digest_of
from grapy_cli.evaluate.finished import FinishedPhotos, read_photo_scores
from grapy_cli.evaluate.masks import MaskFolders, score_masks
from grapy_cli.evaluate.records import Case, EvalReport, Look
from grapy_cli.evaluate.report.images import KeptMasks, look_at_masks, look_at_parsings
from grapy_cli.evaluate.report.publish import write_report
from grapy_cli.evaluate.results import results_of
from grapy_cli.evaluate.scoring import score_photos
from grapy_cli.labels import label_set
from grapy_cli.labels.orders import label_order
from grapy_cli.runtime.device import fair_threads, pick_device, set_threads
from grapy_cli.runtime.lock import locked
from grapy_cli.runtime.reporting import Reporter, Told, Warned, silence
from grapy_cli.runtime.world import World, open_world
from grapy_cli.settings.settings import Settings

SCORES = "scores.json"
SKIPPED_SHOWN = 5


def run_evaluate(settings: Settings, reporter: Reporter) -> EvalReport | None:
    """Parse the photos of prepared data sets and score the parsings.

    Returns:
        The report; None in a process that is not the first of its run.

    Raises:
        DatasetError: If a data set is not prepared, has no such split, or is not known to the
            weights.
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent or out of memory.
        PhotoError: If `--out` cannot be written.
        LockedError: If another evaluation writes there.
    """
    return _in_world(settings, reporter, _evaluate)


def run_evaluate_masks(
    pred: Path, truth: Path, settings: Settings, reporter: Reporter
) -> EvalReport | None:
    """Score a folder of masks against a folder of label maps, matched by their relative paths.

    A label map without a mask is skipped and reported; masks without a label map are counted.

    Returns:
        The report; None in a process that is not the first of its run.

    Raises:
        SettingsError: If not exactly one label set is named.
        DatasetError: If there is nothing to score, or the masks' labels cannot be translated.
        PhotoError: If `--out` cannot be written.
    """
    if len(settings.data.dataset) != 1:
        raise SettingsError(
            "masks are scored by exactly one label set", hint="Say which: --dataset atr."
        )
    labels = label_set(settings.data.dataset[0])
    remap = settings.evaluate.remap
    table = label_order(remap).read_table(labels) if remap else ()
    folders = MaskFolders.open(pred, truth, labels, settings.evaluate.split, table)
    return _in_world(settings, reporter, lambda *place: _evaluate_masks(folders, *place))


def to_text(report: EvalReport) -> str:
    """Return the report as one JSON document."""
    return json.dumps(report.to_json(), indent=2, allow_nan=False) + "\n"


_Work = Callable[[Settings, World, Reporter], EvalReport]


def _in_world(settings: Settings, reporter: Reporter, work: _Work) -> EvalReport | None:
    out = settings.evaluate.out
    try:
        with (
            open_world(pick_device(settings.run.device).type) as world,
            # The first process locks the folder for all.
            locked(out / ".eval.lock") if out and world.is_main else nullcontext(),
        ):
            set_threads(settings.run.threads or fair_threads(world.local_size))
            report = work(settings, world, reporter if world.is_main else silence)
            return report if world.is_main else None
    except OSError as error:
        if out is None:
            raise
        raise PhotoError(
            f"results cannot be written to {out}: {error}",
            hint="Photos that are scored stay scored.",
        ) from error


def _evaluate(settings: Settings, world: World, reporter: Reporter) -> EvalReport:
    parsers = load_parsers(settings, world)
    job = build_job(settings, parsers)
    weights = {
        name: provenance.weights_facts(path, one.card) for name, (path, one) in parsers.items()
    }
    cases = {
        case: provenance.parser_digest(parser, weights[name]["sha256"], tta)
        for (name, tta), parser in job.parsers.items()
        for case in job.cases((name, tta))
    }
    look = None
    if settings.evaluate.out:
        masks = KeptMasks(settings.evaluate.out, cases)
        job, look = replace(job, mask_path=masks.path), look_at_parsings(job.datasets, masks)
    finished = _open_finished(settings, world)
    evaluator = Evaluator(cases, job.label_sets, finished)
    all_counts = score_photos(job, evaluator, world=world, report=reporter)
    parser = next(iter(job.parsers.values()))
    keys = {name: dataset.keys(job.split) for name, dataset in job.datasets.items()}
    protocol = {
        "protocol": ",".join(job.protocols),
        "split": job.split,
        "tta": ",".join(dict.fromkeys(tta for _, tta in job.parsers)),
        "longest_side": parser.longest_side,
        "reduced_jpeg": parser.reduced_jpeg,
        **provenance.device_facts(parser),
        **provenance.versions(),
        "data": provenance.data_facts(keys, job.label_sets),
    }
    scored = [
        {
            "parser": name,
            "longest_side": one.longest_side,
            "engine": one.engine,
            "weights": weights[name],
        }
        for name, (_, one) in parsers.items()
    ]
    results = list(results_of(all_counts, job.split))
    report = EvalReport(results, protocol, next(iter(weights.values())), scored)
    return _finish(report, settings, world, reporter, finished, look)


def _evaluate_masks(
    folders: MaskFolders, settings: Settings, world: World, reporter: Reporter
) -> EvalReport:
    name = folders.pred.name
    if extra := folders.without_truth():
        reporter(Told(f"{extra} masks have no label map in {folders.truth}: passed over"))
    digest = digest_of(provenance.versions())
    cases = {Case(name, None, protocol): digest for protocol in settings.evaluate.protocol}
    finished = _open_finished(settings, world)
    label_sets = {folders.labels.name: folders.labels}
    evaluator = Evaluator(cases, label_sets, finished)
    all_counts = score_masks(folders, evaluator, world=world, report=reporter)
    protocol = {
        "protocol": ",".join(settings.evaluate.protocol),
        "masks": str(folders.pred),
        "truth": str(folders.truth),
        "split": folders.split,
        "remap": settings.evaluate.remap,
        "masks_without_truth": extra,
        **provenance.versions(),
        "data": provenance.data_facts({folders.labels.name: folders.keys}, label_sets),
    }
    scored = [{"parser": name, "masks": str(folders.pred)}]
    report = EvalReport(list(results_of(all_counts, folders.split)), protocol, {}, scored)
    return _finish(report, settings, world, reporter, finished, look_at_masks(folders))


def _open_finished(settings: Settings, world: World) -> FinishedPhotos | None:
    if settings.evaluate.out is None:
        return None
    finished = FinishedPhotos(settings.evaluate.out, world.rank)
    world.barrier()  # all processes have read the earlier lines before one of them writes
    return finished


def _finish(
    report: EvalReport,
    settings: Settings,
    world: World,
    reporter: Reporter,
    finished: FinishedPhotos | None,
    look: Look | None,
) -> EvalReport:
    """Report what was skipped and, where there is a folder, write everything into it."""
    _tell_skipped(report, reporter)
    out = settings.evaluate.out
    if finished is None or look is None or out is None:
        return report
    places = world.gather(finished.places)
    if world.is_main:
        finished.finish(places)
        write_text(out / SCORES, to_text(report))
        write_report(out, report, read_photo_scores(out), look)
        reporter(Told(f"report, figures and tables are in {out}"))
    return report


def _tell_skipped(report: EvalReport, reporter: Reporter) -> None:
    """Report the skipped photos; of many only the first few, the JSON lists all."""
    skipped: dict[str, dict[str, str]] = {}
    for result in report.results:
        of_dataset = skipped.setdefault(result.dataset, {})
        of_dataset.update({row["photo"]: row["reason"] for row in result.skipped})
    for name, reasons in skipped.items():
        for photo, reason in list(reasons.items())[:SKIPPED_SHOWN]:
            reporter(Warned(f"{name}: {photo} is skipped: {reason}"))
        if (more := len(reasons) - SKIPPED_SHOWN) > 0:
            reporter(Warned(f"{name}: {more} more are skipped; --json lists them all"))
