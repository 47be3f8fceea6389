"""`grapy eval`: scores of weights on prepared data sets, or of masks that any tool wrote."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grapy_cli.data.layout import PreparedDataset, find_prepared
from grapy_cli.errors import DatasetError, PhotoError, SettingsError
from grapy_cli.evaluate import proof
from grapy_cli.evaluate.ledger import Ledger, read_photo_scores
from grapy_cli.evaluate.looking import KeptMasks, look_at_masks, look_at_parsings
from grapy_cli.evaluate.masks import MaskFolders, score_masks
from grapy_cli.evaluate.records import Case, EvalReport, Look
from grapy_cli.evaluate.results import results_of
from grapy_cli.evaluate.scorebook import Scorebook, digest_of
from grapy_cli.evaluate.scoring import ParsingJob, score_photos
from grapy_cli.evaluate.show.publish import write_report
from grapy_cli.files import write_text
from grapy_cli.labels import LabelSet, dataset_name, label_set
from grapy_cli.labels.orders import label_order
from grapy_cli.model.weights import resolve_weights
from grapy_cli.predict.augment import TTA
from grapy_cli.predict.parser import HumanParser
from grapy_cli.runtime.device import fair_threads, pick_device, set_threads
from grapy_cli.runtime.launch import launch
from grapy_cli.runtime.reporting import Reporter, Told, Warned, silence
from grapy_cli.runtime.world import World, open_world
from grapy_cli.settings.handover import handed_over
from grapy_cli.settings.settings import Settings

SCORES = "scores.json"
SKIPPED_SHOWN = 5

Parsers = Mapping[str, tuple[Path, HumanParser]]
"""By the name of the weights, their file and a parser."""


def launch_evaluate(settings: Settings, arguments: Sequence[str]) -> None:
    """Share the work out to several processes of this machine.

    Args:
        settings: Theirs.
        arguments: What else was typed after `grapy eval`.
    """
    with handed_over(settings) as file:
        launch(
            ["eval", "--config", str(file), *arguments],
            settings.run.gpus,
            go_on="the same command; with --out, what is scored stays scored",
        )


def run_evaluate(settings: Settings, reporter: Reporter) -> EvalReport | None:
    """Parse the photos of prepared data sets and score the parsings.

    Returns:
        The report; None in a process that is not the first of its run.

    Raises:
        DatasetError: If a data set is not prepared, has no such split, or is none of the weights'.
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent or out of memory.
        PhotoError: If `--out` cannot be written.
    """
    return _in_world(settings, reporter, _evaluate)


def run_evaluate_masks(
    pred: Path, truth: Path, settings: Settings, reporter: Reporter
) -> EvalReport | None:
    """Score a folder of masks against a folder of label maps, matched by their relative paths.

    A label map without its mask is skipped and said so; masks without a label map are counted.

    Returns:
        The report; None in a process that is not the first of its run.

    Raises:
        SettingsError: If not exactly one label set is named.
        DatasetError: If there is nothing to score, or no way from the masks' labels to ours.
        PhotoError: If `--out` cannot be written.
    """
    if len(settings.data.dataset) != 1:
        raise SettingsError(
            "masks are scored by exactly one label set", hint="Say which: --dataset atr."
        )
    labels = label_set(settings.data.dataset[0])
    remap = settings.evaluate.remap
    table = label_order(remap).read_table(labels) if remap else ()
    folders = MaskFolders(pred, truth, labels, table)
    return _in_world(settings, reporter, lambda *place: _evaluate_masks(folders, *place))


_Work = Callable[[Settings, World, Reporter], EvalReport]


def _in_world(settings: Settings, reporter: Reporter, work: _Work) -> EvalReport | None:
    try:
        with open_world(pick_device(settings.run.device).type) as world:
            set_threads(settings.run.threads or fair_threads(world.local_size))
            report = work(settings, world, reporter if world.is_main else silence)
            return report if world.is_main else None
    except OSError as error:
        raise PhotoError(
            f"results cannot be written to {settings.evaluate.out}: {error}",
            hint="Photos that are scored stay scored.",
        ) from error


def _evaluate(settings: Settings, world: World, reporter: Reporter) -> EvalReport:
    chosen, split = settings.evaluate, settings.evaluate.split
    parsers = _load_parsers(settings, world)
    datasets = _open_datasets(settings, [parser for _, parser in parsers.values()])
    job = ParsingJob(_augmented(parsers, settings), datasets, split, chosen.protocol)
    weights = {name: proof.weights_facts(path, one.card) for name, (path, one) in parsers.items()}
    cases = {
        case: digest_of(weights[name]["sha256"], parser.longest_side, *_machine(parser), tta)
        for (name, tta), parser in job.parsers.items()
        for case in job.cases((name, tta))
    }
    look = None
    if chosen.out:
        masks = KeptMasks(chosen.out, cases)
        job, look = replace(job, mask_path=masks.path), look_at_parsings(datasets, masks)
    ledger = _open_ledger(settings, world)
    book = Scorebook(cases, job.label_sets, ledger)
    score_photos(job, book, world=world, report=reporter)
    first = next(iter(job.parsers.values()))
    keys = {name: dataset.keys(split) for name, dataset in datasets.items()}
    protocol = {
        "protocol": ",".join(chosen.protocol),
        "split": split,
        "tta": ",".join(dict.fromkeys(tta for _, tta in job.parsers)),
        "longest_side": first.longest_side,
        **proof.device_facts(first),
        **proof.versions(),
        "data": proof.data_facts(keys, job.label_sets),
    }
    scored = [
        {"parser": name, "longest_side": parser.longest_side, "weights": weights[name]}
        for name, (_, parser) in parsers.items()
    ]
    results = list(results_of(book.tallies, split))
    report = EvalReport(results, protocol, next(iter(weights.values())), scored)
    return _finish(report, settings, world, reporter, ledger, look)


def _evaluate_masks(
    folders: MaskFolders, settings: Settings, world: World, reporter: Reporter
) -> EvalReport:
    chosen, name = settings.evaluate, folders.labels.name
    keys = folders.keys()
    if extra := folders.without_truth():
        reporter(Told(f"{extra} masks have no label map in {folders.truth}: passed over"))
    cases = {
        Case(folders.pred.name, None, protocol): digest_of(*proof.versions().values())
        for protocol in chosen.protocol
    }
    ledger = _open_ledger(settings, world)
    book = Scorebook(cases, {name: folders.labels}, ledger)
    score_masks(folders, book, world=world, report=reporter)
    protocol = {
        "protocol": ",".join(chosen.protocol),
        "masks": str(folders.pred),
        "truth": str(folders.truth),
        "remap": chosen.remap,
        "masks_without_truth": extra,
        **proof.versions(),
        "data": proof.data_facts({name: keys}, {name: folders.labels}),
    }
    scored = [{"parser": folders.pred.name, "masks": str(folders.pred)}]
    report = EvalReport(list(results_of(book.tallies, None)), protocol, {}, scored)
    return _finish(report, settings, world, reporter, ledger, look_at_masks(folders))


def _finish(
    report: EvalReport,
    settings: Settings,
    world: World,
    reporter: Reporter,
    ledger: Ledger | None,
    look: Look | None,
) -> EvalReport:
    """Say what was left out and, where there is a folder, write everything into it."""
    _tell_skipped(report, reporter)
    if ledger is None or look is None or settings.evaluate.out is None:
        return report
    places = world.gather(ledger.places)
    if world.is_main:
        out = settings.evaluate.out
        ledger.finish(places)
        write_text(out / SCORES, to_text(report))
        write_report(out, report, read_photo_scores(out), look)
        reporter(Told(f"report, figures and tables are in {out}"))
    world.barrier()
    return report


def to_text(report: EvalReport) -> str:
    """The report as one JSON document."""
    return json.dumps(report.to_json(), indent=2, allow_nan=False) + "\n"


def _open_ledger(settings: Settings, world: World) -> Ledger | None:
    if settings.evaluate.out is None:
        return None
    ledger = Ledger(settings.evaluate.out, world.rank)
    world.barrier()  # all have read what earlier runs left before anybody writes
    return ledger


def _load_parsers(settings: Settings, world: World) -> Parsers:
    """Load all weights, each under the name on its card, or its path where that stands twice."""
    parsers: dict[str, tuple[Path, HumanParser]] = {}
    device = str(pick_device(settings.run.device, world.local_rank))
    chosen: Sequence[Path | None] = settings.evaluate.weights or [settings.infer.weights]
    for weights in dict.fromkeys(chosen):
        side = settings.infer.longest_side
        parser = HumanParser.load(weights, device=device, longest_side=side)
        path = resolve_weights(weights)
        name = parser.card.name if parser.card else path.stem
        parsers[f"{name} ({weights})" if name in parsers else name] = (path, parser)
    return parsers


def _augmented(parsers: Parsers, settings: Settings) -> dict[tuple[str, str], HumanParser]:
    ttas = dict.fromkeys(settings.evaluate.tta or [settings.infer.tta])
    return {
        (name, tta): replace(parser, augmentation=TTA[tta])
        for name, (_, parser) in parsers.items()
        for tta in ttas
    }


def _machine(parser: HumanParser) -> list[str]:
    return [*proof.device_facts(parser).values(), *proof.versions().values()]


def _open_datasets(
    settings: Settings, parsers: Sequence[HumanParser]
) -> dict[str, PreparedDataset]:
    """Open those named, else every prepared one that all weights know."""
    root = settings.data.root
    known = [name for name in parsers[0].datasets if all(name in one.datasets for one in parsers)]
    names = settings.data.dataset or [name for name in find_prepared(root) if name in known]
    if not names:
        raise DatasetError(
            f"nothing below {root} is prepared for the weights' {', '.join(known)}",
            hint=f"grapy prepare --dataset {known[0]} --data {root}" if known else "",
        )
    plain = list(dict.fromkeys(map(dataset_name, names)))
    for parser in parsers:
        parser.check_datasets(plain)
    datasets = {name: PreparedDataset.open(root / name) for name in plain}
    for name, dataset in datasets.items():
        for parser in parsers:
            _check_digest(name, dataset.label_set, parser.network.label_sets[name])
    return datasets


def _check_digest(name: str, data: LabelSet, weights: LabelSet) -> None:
    if data.digest != weights.digest:
        raise DatasetError(f"the data set {name} and the weights mean different parts by that name")


def _tell_skipped(report: EvalReport, reporter: Reporter) -> None:
    """Say which photos were left out; of many the first few, the report has them all."""
    for result in report.results:
        if result.level != max(one.level for one in report.results):
            continue
        for row in result.skipped[:SKIPPED_SHOWN]:
            reporter(Warned(f"{result.dataset}: {row['photo']} is skipped: {row['reason']}"))
        if (more := len(result.skipped) - SKIPPED_SHOWN) > 0:
            reporter(Warned(f"{result.dataset}: {more} more are skipped; --json lists them all"))
