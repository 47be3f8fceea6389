"""`grapy eval`: scores of weights on prepared data sets, or of masks that any tool wrote."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grapy_cli import __version__
from grapy_cli.data.files import load_label_map
from grapy_cli.data.layout import PreparedDataset, find_prepared
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.evaluate.report import EvalReport, results_of
from grapy_cli.evaluate.scoring import Tally, score_datasets
from grapy_cli.labels import LabelSet, dataset_name, label_set
from grapy_cli.model.weights import resolve_weights
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.run import load_parser
from grapy_cli.runtime.reporting import Progressed, Reporter, Warned
from grapy_cli.settings.settings import Settings

SKIPPED_SHOWN = 5


def run_evaluate(settings: Settings, reporter: Reporter) -> EvalReport:
    """Parse the photos of prepared data sets and score the parsings.

    Raises:
        DatasetError: If a data set is not prepared, has no such split, or is none of the weights'.
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent or out of memory.
    """
    parser = load_parser(settings)
    datasets = _open_datasets(settings, parser)
    split = settings.evaluate.split
    tallies = score_datasets(parser, datasets, split, report=reporter)
    for name, tally in tallies.items():
        _tell_skipped(name, tally, reporter)
    results = [
        result
        for name, tally in tallies.items()
        for result in results_of(tally, datasets[name].label_set, split)
    ]
    return EvalReport(results, _protocol(settings, parser), _weights(settings, parser))


def run_evaluate_masks(
    pred: Path, truth: Path, settings: Settings, reporter: Reporter
) -> EvalReport:
    """Score a folder of masks against a folder of label maps, matched by their relative paths.

    A label map without its mask is skipped and said so; a mask without a label map is passed over.

    Raises:
        SettingsError: If not exactly one label set is named.
        DatasetError: If there is nothing to score.
    """
    if len(settings.data.dataset) != 1:
        raise SettingsError(
            "masks are scored by exactly one label set", hint="Say which: --dataset atr."
        )
    labels = label_set(settings.data.dataset[0])
    for folder in (pred, truth):
        if not folder.is_dir():
            raise DatasetError(f"there is no folder {folder}")
    truths = sorted(truth.rglob("*.png"))
    if not truths:
        raise DatasetError(f"{truth} holds no label maps (*.png)")
    tally = Tally(np.zeros((labels.num_parts,) * 2, np.int64))
    for done, path in enumerate(truths, 1):
        _score_mask(tally, path.relative_to(truth), pred, truth)
        reporter(Progressed("scoring masks", done, len(truths)))
    _tell_skipped(labels.name, tally, reporter)
    protocol = {"masks": str(pred), "truth": str(truth), "grapy": __version__}
    return EvalReport(results_of(tally, labels, None), protocol, {})


def _score_mask(tally: Tally, relative: Path, pred: Path, truth: Path) -> None:
    key = relative.as_posix()
    try:
        tally.add(key, load_label_map(pred / relative), load_label_map(truth / relative))
    except DatasetError as error:
        tally.skip(key, error.message)


def _tell_skipped(name: str, tally: Tally, reporter: Reporter) -> None:
    """Say which photos were left out; of many the first few, the report has them all."""
    for row in tally.skipped[:SKIPPED_SHOWN]:
        reporter(Warned(f"{name}: {row['photo']} is skipped: {row['reason']}"))
    if (more := len(tally.skipped) - SKIPPED_SHOWN) > 0:
        reporter(Warned(f"{name}: {more} more are skipped; --json lists them all"))


def _open_datasets(settings: Settings, parser: HumanParser) -> dict[str, PreparedDataset]:
    root = settings.data.root
    names = settings.data.dataset or [
        name for name in find_prepared(root) if name in parser.datasets
    ]
    if not names:
        raise DatasetError(
            f"nothing below {root} is prepared for the weights' {', '.join(parser.datasets)}",
            hint=f"grapy prepare --dataset {parser.datasets[0]} --data {root}"
            if parser.datasets
            else "",
        )
    plain = [dataset_name(name) for name in names]
    parser.check_datasets(plain)
    datasets = {name: PreparedDataset.open(root / name) for name in plain}
    for name, dataset in datasets.items():
        _check_digest(name, dataset.label_set, parser.network.label_sets[name])
    return datasets


def _check_digest(name: str, data: LabelSet, weights: LabelSet) -> None:
    if data.digest != weights.digest:
        raise DatasetError(f"the data set {name} and the weights mean different parts by that name")


def _protocol(settings: Settings, parser: HumanParser) -> dict[str, Any]:
    return {
        "split": settings.evaluate.split,
        "tta": settings.infer.tta,
        "longest_side": parser.longest_side,
        "device": str(parser.device),
        "grapy": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _weights(settings: Settings, parser: HumanParser) -> dict[str, Any]:
    path = resolve_weights(settings.infer.weights)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    name = parser.card.name if parser.card else None
    return {"name": name, "file": path.name, "sha256": digest}
