"""Read prepared data sets as training samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from filecmp import cmp
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from torch.utils.data import Dataset

from grapy_cli.data.augment.transforms import Transform
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.data.sample import COARSE, Sample
from grapy_cli.errors import GrapyError
from grapy_cli.image_io.label_maps import load_label_map, look_up
from grapy_cli.image_io.photos import load_photo
from grapy_cli.labels import IGNORE, Level
from grapy_cli.labels.vocabulary import PERSON


@dataclass(frozen=True)
class Group:
    """Photos that are annotated in the same data sets: usually one, several if photos coincide."""

    members: Mapping[str, PreparedDataset]
    keys: tuple[str, ...]
    share: float = 1.0
    """Factor on the share of its photos in an epoch."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets its photos are annotated in."""
        return tuple(self.members)

    def read(self, index: int) -> Sample:
        """Read a photo and its label maps.

        Raises:
            DatasetError: If a file is gone or broken.
        """
        key = self.keys[index]
        first = next(iter(self.members.values()))
        label_maps = {
            name: load_label_map(member.label_map(key)) for name, member in self.members.items()
        }
        for member in self.members.values():
            if member.card.coarse:
                label_maps[COARSE] = _read_coarse(member, key)
        return Sample(load_photo(first.photo(key)), label_maps, key)


def _read_coarse(dataset: PreparedDataset, key: str) -> UInt8[np.ndarray, "h w"]:
    """Read the label maps of levels 2 and 1 of a photo, as one map of coarse ids."""
    groups = load_label_map(dataset.label_map(key, Level.CATEGORY))
    person = load_label_map(dataset.label_map(key, Level.HUMAN))
    return np.where(groups == IGNORE, look_up(person, (0, PERSON)), groups)


def group_photos(
    datasets: Sequence[PreparedDataset], split: str, *, join: bool, share: float = 1.0
) -> list[Group]:
    """Arrange a split of several data sets as groups.

    Args:
        join: Make one group of photos that all data sets have, with the same key and bytes; the
            others stay with their data set.
    """
    shared: dict[str, None] = {}
    if join and len(datasets) > 1:
        first, *others = datasets
        common = set(first.keys(split)).intersection(*(other.keys(split) for other in others))
        shared = dict.fromkeys(
            key
            for key in first.keys(split)
            if key in common
            and all(cmp(first.photo(key), other.photo(key), shallow=False) for other in others)
        )
    members = {dataset.name: dataset for dataset in datasets}
    groups = [Group(members, tuple(shared), share)] if shared else []
    for dataset in datasets:
        own = tuple(key for key in dataset.keys(split) if key not in shared)
        if own:
            groups.append(Group({dataset.name: dataset}, own, share))
    return groups


class Draw(NamedTuple):
    """A sample to make: photo `photo` of group `group`, augmented as in epoch `epoch`."""

    epoch: int
    group: int
    photo: int
    times: int = 0
    """How often this epoch has shown the photo before; each time is augmented differently."""


class ParsingDataset(Dataset[Sample | GrapyError]):
    """Reads the sample of a draw and augments it with the sample's generator.

    An error is a value: one that is raised in a worker would arrive wrapped in a traceback.
    """

    def __init__(self, groups: Sequence[Group], transform: Transform, seed: int) -> None:
        self.groups = groups
        self.transform = transform
        self.seed = seed

    def __getitem__(self, draw: Draw) -> Sample | GrapyError:
        generator = sample_generator(self.seed, *draw)
        try:
            return self.transform(self.groups[draw.group].read(draw.photo), generator)
        except GrapyError as error:
            return error


def sample_generator(
    seed: int, epoch: int, group: int, index: int, times: int = 0
) -> np.random.Generator:
    """Return the random generator for the augmentation of a sample.

    It depends only on its arguments, those of a `Draw`: it is the same for any number of workers
    and processes, and after a resume.
    """
    # A zero at the end would change the seed of first showings.
    again = [times] if times else []
    return np.random.Generator(np.random.PCG64([seed, epoch, group, index, *again]))
