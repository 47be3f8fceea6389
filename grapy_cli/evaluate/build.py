"""Build what is scored from settings: parsers and prepared data sets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from grapy_cli.data.layout import PreparedDataset, find_prepared
from grapy_cli.errors import DatasetError
from grapy_cli.evaluate.scoring import ParsingJob
from grapy_cli.inference.build import load_parser
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tta import TTA
from grapy_cli.labels import dataset_name
from grapy_cli.model.weights import resolve_weights
from grapy_cli.runtime.world import World
from grapy_cli.settings.settings import Settings

Parsers = Mapping[str, tuple[Path, HumanParser]]
"""The file and the parser of weights, by their name."""


def load_parsers(settings: Settings, world: World) -> Parsers:
    """Load all weights, named by their cards; a name that occurs twice gets its path.

    Raises:
        WeightsError: If weights cannot be read.
        DeviceError: If the device is absent.
    """
    parsers: dict[str, tuple[Path, HumanParser]] = {}
    chosen: Sequence[Path | None] = settings.evaluate.weights or [settings.infer.weights]
    for weights in dict.fromkeys(chosen):
        parser = load_parser(settings, world, weights=weights)
        path = resolve_weights(weights)
        name = parser.card.name if parser.card else path.stem
        parsers[f"{name} ({weights})" if name in parsers else name] = (path, parser)
    return parsers


def build_job(settings: Settings, parsers: Parsers) -> ParsingJob:
    """Build the job: every parser with every augmentation on every data set.

    Photos are read at their own size; `predict.max_side` is not used.

    Raises:
        DatasetError: If a data set is not prepared, or the weights do not know it.
    """
    ttas: dict[str, None] = dict.fromkeys(settings.evaluate.tta or [settings.infer.tta])
    augmented = {
        (name, tta): replace(parser, augmentation=TTA[tta], max_side=0)
        for name, (_, parser) in parsers.items()
        for tta in ttas
    }
    datasets = _open_datasets(settings, [parser for _, parser in parsers.values()])
    options = settings.evaluate
    return ParsingJob(
        augmented, datasets, options.split, options.protocol, batch=settings.batch.size
    )


def _open_datasets(
    settings: Settings, parsers: Sequence[HumanParser]
) -> dict[str, PreparedDataset]:
    """Open the named data sets; without names, all prepared ones that all weights know."""
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
            if dataset.label_set.digest != parser.network.label_sets[name].digest:
                raise DatasetError(f"the data set {name} and the weights have different parts")
    return datasets
