"""Parsing the photos of a split and counting what was right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from grapy_cli.data.files import load_label_map
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.photos import read_photo
from grapy_cli.runtime.reporting import Progressed, Reporter
from grapy_cli.runtime.world import World


@dataclass
class Tally:
    """What was counted on one data set."""

    counts: Int64[np.ndarray, "p p"]
    """Pixels by true part (rows) and parsed part."""
    photos: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)
    """Photos that could not be scored, each with its reason."""

    def add(
        self, key: str, label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "u v"]
    ) -> None:
        """Count a photo, or note why it cannot be counted."""
        if label_map.shape != truth.shape:
            sizes = [f"{shape[1]}x{shape[0]}" for shape in (label_map.shape, truth.shape)]
            self.skip(key, f"the mask is {sizes[0]} pixels, the truth {sizes[1]}")
            return
        try:
            self.counts += count_pairs(label_map, truth, len(self.counts))
        except ValueError as error:
            self.skip(key, str(error))
            return
        self.photos += 1

    def skip(self, key: str, reason: str) -> None:
        """Note a photo that is left out."""
        self.skipped.append({"photo": key, "reason": reason})


def score_datasets(
    parser: HumanParser,
    datasets: Mapping[str, PreparedDataset],
    split: str,
    *,
    world: World | None = None,
    report: Reporter = lambda event: None,
) -> dict[str, Tally]:
    """Parse each data set's split with its own head and count.

    Processes take disjoint photos, without padding; each gets the whole count.

    Raises:
        DatasetError: If a data set has no such split.
    """
    world = world or World()
    tallies = {name: Tally(_zeros(dataset)) for name, dataset in datasets.items()}
    work = [(name, key) for name, dataset in datasets.items() for key in dataset.keys(split)]
    mine = work[world.rank :: world.size]
    for done, (name, key) in enumerate(mine, 1):
        _score_photo(parser, datasets[name], key, tallies[name])
        report(Progressed(f"scoring {split}", done, len(mine)))
    for tally in tallies.values():
        counts = world.sum(torch.from_numpy(tally.counts))
        tally.counts = counts.numpy()
        tally.photos = int(world.sum(torch.tensor(tally.photos)).item())
        tally.skipped = sorted(world.gather(tally.skipped), key=itemgetter("photo"))
    return tallies


def _score_photo(parser: HumanParser, dataset: PreparedDataset, key: str, tally: Tally) -> None:
    try:
        # The truth first: where there is none, as in some test splits, the photo need not be read.
        truth = load_label_map(dataset.label_map(key))
        photo = read_photo(dataset.photo(key))
    except (DatasetError, PhotoError) as error:
        tally.skip(key, error.message)
        return
    tally.add(key, parser.parse(photo, dataset.name).label_map, truth)


def _zeros(dataset: PreparedDataset) -> Int64[np.ndarray, "p p"]:
    return np.zeros((dataset.label_set.num_parts,) * 2, np.int64)
