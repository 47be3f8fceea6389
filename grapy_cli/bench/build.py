"""Build a contestant from settings."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from grapy_cli.bench.contestant import Contestant
from grapy_cli.inference.build import load_parser
from grapy_cli.inference.parser import HumanParser
from grapy_cli.model.weights import (
    WeightsCard,
    read_card,
    resolve_weights,
    weights_digest,
    weights_size,
)
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.photo_results import Results
from grapy_cli.predict.plan import Plan, choose_datasets
from grapy_cli.predict.sources import FoundPhoto, name_masks
from grapy_cli.settings.settings import Settings

LOADS = 3
"""How often the network is loaded to measure the time of loading."""


@dataclass(frozen=True)
class Facts:
    """Describes a contestant for readers of its figures."""

    weights: str
    weights_sha256: str
    datasets: tuple[str, ...]
    engine: str
    """The library that runs the network: torch, or another one with its version."""
    form: str
    """folded or plain; exported or published for networks that other forms run."""
    precision: str
    tta: str
    longest_side: int
    """Pixels; 0 for photos as they are."""
    batch: int
    """Most photos of one size that are parsed together."""
    device: str
    threads: int
    load_seconds: float
    """Seconds from the weights file to a ready network, without the import of torch."""
    weights_bytes: int = 0
    """Size of the weights on disk."""


def build_contestant(
    settings: Settings, photos: Sequence[FoundPhoto], out: Path
) -> tuple[Contestant, Facts]:
    """Build the contestant that settings describe.

    Args:
        settings: Without a label set, the first one of the weights is used.
        out: Folder for its masks.

    Raises:
        WeightsError: If the weights cannot be read.
        DatasetError: If the weights do not know the label set.
        DeviceError: If the device is absent.
    """
    weights = resolve_weights(settings.infer.weights)
    card = read_card(weights, settings.infer.labels)
    known, readable = [one.name for one in card.load_label_sets()], card.readable_label_sets()
    datasets = choose_datasets(settings.data.dataset or known[:1], known, readable)
    kinds = plan_kinds([readable[name] for name in datasets], [3], ["mask"])
    parser, seconds = _load(settings)
    plan = Plan(photos, name_masks(photos), datasets, Results(out, kinds), recipe="")
    device = parser.device
    facts = Facts(
        weights=card.name,
        weights_sha256=weights_digest(weights),
        datasets=tuple(datasets),
        engine=parser.engine,
        form=_form_of(settings, card, parser),
        precision=parser.precision,
        tta=settings.infer.tta,
        longest_side=parser.longest_side or 0,
        batch=settings.batch.size,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        threads=torch.get_num_threads(),
        load_seconds=seconds,
        weights_bytes=weights_size(weights),
    )
    return Contestant(parser, plan, settings.batch.size), facts


def _load(settings: Settings) -> tuple[HumanParser, float]:
    """Load the parser several times; return it and the median seconds of loading."""
    took = []
    for _ in range(LOADS):
        begun = time.perf_counter()
        parser = load_parser(settings, folded=settings.bench.form == "folded")
        took.append(time.perf_counter() - begun)
    return parser, statistics.median(took)


def _form_of(settings: Settings, card: WeightsCard, parser: HumanParser) -> str:
    if card.network:
        return "published"
    return settings.bench.form if parser.engine == "torch" else "exported"
