"""What a run is about to do, before any network is loaded."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from grapy_cli import __version__
from grapy_cli.atomic import file_digest
from grapy_cli.errors import DatasetError, PhotoError, SettingsError
from grapy_cli.labels import LabelSet, dataset_name
from grapy_cli.model.weights import check_known
from grapy_cli.predict.manifest import Shard
from grapy_cli.predict.outputs.kinds import OUTPUTS, Kind
from grapy_cli.predict.outputs.photo_results import Results
from grapy_cli.predict.sources import FoundPhoto


class Task(NamedTuple):
    """One photo to do."""

    turn: int
    """From 0, without gaps."""
    photo: FoundPhoto
    name: PurePosixPath
    """Of its results."""


@dataclass(frozen=True)
class Plan:
    """The photos of a command, what becomes of each, and what that depends on."""

    photos: Sequence[FoundPhoto]
    names: Sequence[PurePosixPath]
    """Of their results."""
    datasets: Sequence[str]
    results: Results
    recipe: str
    """Digest of weights and settings, as far as they change results."""

    @property
    def sources(self) -> list[str]:
        """The photos as the manifest calls them."""
        return [str(photo) for photo in self.photos]

    def tasks(self, shard: Shard) -> list[Task]:
        """The photos of a shard: every so-many-th."""
        mine = list(zip(self.photos, self.names, strict=True))[shard.index :: shard.count]
        return [Task(turn, photo, name) for turn, (photo, name) in enumerate(mine)]

    def results_of(self, photo: FoundPhoto) -> Results:
        """What is written about a photo, or a video."""
        return self.results.of_video if photo.is_video else self.results

    def check(self, task: Task, known: Mapping[str, bytes]) -> tuple[str, dict[str, Any] | None]:
        """Digest a photo, and find its row if an earlier run did it from the same, in the same way.

        Args:
            task: The photo.
            known: Rows by source, as JSON.

        Raises:
            PhotoError: If it cannot be read.
        """
        digest = _digest(task.photo)
        if str(task.photo) not in known:
            return digest, None
        row: dict[str, Any] = json.loads(known[str(task.photo)])
        same = (row.get("sha256"), row.get("recipe")) == (digest, self.recipe)
        is_done = same and self.results_of(task.photo).are_there(row, task.name)
        return digest, row if is_done else None


def choose_datasets(named: Sequence[str], known: Sequence[str]) -> list[str]:
    """Choose the label sets asked for; all of them, or the only one there is.

    Args:
        named: What was asked for; may hold "all".
        known: What the weights know.

    Raises:
        DatasetError: If the weights do not know one, or it must be said which.
    """
    if not known:
        raise DatasetError("the weights know no label set: they are for --init alone")
    if "all" in named or (not named and len(known) == 1):
        return list(known)
    if not named:
        raise DatasetError(
            "say by which label set the photos are to be parsed",
            hint=f"--dataset {known[0]}, or --dataset all",
        )
    names = [dataset_name(name) for name in named]
    check_known(names, known)
    return names


def comparable(known: Iterable[str]) -> list[str]:
    """All label sets the weights know, to compare what they say.

    Raises:
        DatasetError: If there are not two.
    """
    names = list(known)
    if len(names) < 2:
        raise DatasetError(
            "weights of one label set have nothing to be compared with",
            hint="Leave out --consistency; the manifest tells a photo's doubt without it.",
        )
    return names


def recipe_of(
    weights: Path,
    settings: Mapping[str, Any],
    label_sets: Sequence[LabelSet],
    kinds: Sequence[Kind],
) -> str:
    """Digest whatever decides what results are like, beside the photo.

    Args:
        weights: The file.
        settings: Those that change a result.
        label_sets: The photos are parsed by.
        kinds: Of their ids as they are written, which a file of the user's own may change.
    """
    tables = [kind.view.table for kind in kinds if kind.save in OUTPUTS]
    parts = [labels.digest for labels in label_sets]
    everything = [__version__, file_digest(weights), settings, parts, tables]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]


def spare_photos(plan: Plan) -> None:
    """Make sure that no result takes the place of a photo.

    Raises:
        SettingsError: If one would.
    """
    paths = [photo.source for photo in plan.photos if isinstance(photo.source, Path)]
    photos = {_file_id(path) for path in paths}
    for photo, name in zip(plan.photos, plan.names, strict=True):
        for path in plan.results_of(photo).paths(name):
            if (file_id := _file_id(path)) and file_id in photos:
                raise SettingsError(
                    f"a result of {photo} would take the place of the photo {path}",
                    hint="Name another folder by --out.",
                )


def _file_id(path: Path) -> tuple[int, int] | None:
    """What two names of one file share, also where upper and lower case are the same."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # a name that no file can have
        return None
    return found.st_dev, found.st_ino


def _digest(photo: FoundPhoto) -> str:
    if isinstance(photo.source, bytes):
        return hashlib.sha256(photo.source).hexdigest()
    try:
        if photo.source.exists() and not photo.source.is_file():
            raise OSError("it is no file; what comes through a pipe is named -")
        return file_digest(photo.source)
    except (OSError, ValueError) as error:
        raise PhotoError(f"the photo {photo} cannot be read: {error}") from error
