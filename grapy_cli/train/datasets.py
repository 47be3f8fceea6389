"""Open the data sets of a run, and those of the same names in more folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from grapy_cli.data.dataset import Group, group_photos
from grapy_cli.data.layout import PreparedDataset, find_prepared
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.labels import PAPER_SETS, LabelSet, dataset_name, label_set
from grapy_cli.settings.settings import Settings


@dataclass(frozen=True)
class DataRoot:
    """Prepared data sets of one folder; photos are joined only within it."""

    datasets: Sequence[PreparedDataset]
    share: float = 1.0
    """Factor on the share of its photos in an epoch."""


def open_datasets(settings: Settings) -> list[PreparedDataset]:
    """Open the data sets of a run: the named ones, or all prepared ones.

    A named one that is not there is left out where a teacher labels photos for it: then the run
    learns from those alone.

    Raises:
        DatasetError: If one is missing, or none is prepared.
        SettingsError: If the finetune stage does not have exactly one.
    """
    root, names = settings.data.root, list(settings.data.dataset)
    if settings.train.stage == "finetune" and len(names) != 1:
        raise SettingsError(
            f"the finetune stage takes one data set, not {len(names)}",
            hint="Choose one, such as --dataset pascal.",
        )
    if not names:
        default = {labels.name for labels in PAPER_SETS}
        names = [name for name in find_prepared(root) if name in default]
        if not names:
            raise DatasetError(
                f"there is no prepared data set in {root}",
                hint=f"grapy prepare --dataset cihp --data {root}",
            )
    taught = settings.train.self_training.photos
    plain = list(dict.fromkeys(map(dataset_name, names)))
    there = [name for name in plain if not taught or (root / name).exists()]
    return [PreparedDataset.open(root / name) for name in there]


def label_sets_of(settings: Settings, datasets: Sequence[PreparedDataset]) -> list[LabelSet]:
    """Return the label sets a run learns: of its data sets, and of those named and not there.

    Args:
        settings: Of the run, with its data sets named.

    Raises:
        DatasetError: If a name is that of no label set.
    """
    prepared = {dataset.name: dataset.label_set for dataset in datasets}
    named = {dataset_name(name): name for name in settings.data.dataset}
    return [
        prepared[plain] if plain in prepared else label_set(name) for plain, name in named.items()
    ]


def open_more(settings: Settings, datasets: Sequence[PreparedDataset]) -> list[DataRoot]:
    """Open the data sets of a run in more data folders.

    Raises:
        DatasetError: If a folder has none of them, or means other parts by a data set's name.
        SettingsError: If the numbers of shares and folders differ.
    """
    more, shares = settings.data.more, settings.data.more_shares
    if shares and len(shares) != len(more):
        raise SettingsError(
            f"data.more_shares: {len(shares)} numbers for {len(more)} folders in data.more",
            hint=f"Give one for each of {', '.join(map(str, more)) or 'data.more'}, in this order.",
        )
    return [
        DataRoot(_open_there(root, datasets), share)
        for root, share in zip(more, shares or [1.0] * len(more), strict=True)
    ]


def group_roots(roots: Sequence[DataRoot], *, join: bool) -> list[Group]:
    """Group the training photos of several data folders."""
    return [
        group
        for root in roots
        for group in group_photos(root.datasets, "train", join=join, share=root.share)
    ]


def stand_ins(groups: Sequence[Group], count: int, share: float) -> list[Group]:
    """Make groups of existing photos that stand for photos that are not labeled yet.

    Args:
        groups: Of the first data folder.
        count: Photos still to be labeled, which each label set will have.

    Raises:
        SettingsError: If there are no groups.
    """
    if not groups:
        raise SettingsError(
            "a dry run needs a prepared data set, and a teacher labels all photos of this run",
            hint="Leave --dry-run out.",
        )
    most = max(len(group.datasets) for group in groups)
    models = {group.datasets: group for group in groups if len(group.datasets) == most}
    return [
        Group(model.members, tuple(islice(cycle(model.keys), count)), share)
        for model in models.values()
    ]


def _open_there(root: Path, datasets: Sequence[PreparedDataset]) -> list[PreparedDataset]:
    there = set(find_prepared(root))
    found = [PreparedDataset.open(root / one.name) for one in datasets if one.name in there]
    if not found:
        names = [dataset.name for dataset in datasets]
        raise DatasetError(
            f"data.more: {root} has none of the data sets {', '.join(names)}",
            hint=f"grapy prepare --dataset {names[0]} --data {root}",
        )
    by_name = {dataset.name: dataset for dataset in datasets}
    for dataset in found:
        first = by_name[dataset.name]
        if dataset.label_set.digest != first.label_set.digest:
            raise DatasetError(
                f"{dataset.folder} and {first.folder} have different parts: their label sets have "
                f"the digests {dataset.label_set.digest} and {first.label_set.digest}",
                hint="Prepare both with the same label file, or leave out one of them.",
            )
    return found
