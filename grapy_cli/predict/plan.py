"""Plan a run before a network is loaded."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
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

    photo: FoundPhoto
    name: PurePosixPath
    """Of its results."""


@dataclass(frozen=True)
class Plan:
    """The photos of a command, their results, and what these depend on."""

    photos: Sequence[FoundPhoto]
    names: Sequence[PurePosixPath]
    """Names of their results."""
    datasets: Sequence[str]
    results: Results
    recipe: str
    """Digest of the weights and settings that results depend on."""
    weights: str = ""
    """Name of the weights with their revision: a commit, or the beginning of their digest."""

    @property
    def sources(self) -> list[str]:
        """The photos, as the manifest names them."""
        return [str(photo) for photo in self.photos]

    def tasks(self, shard: Shard) -> list[Task]:
        """Return the photos of a shard: every n-th one."""
        return list(map(Task, self.photos, self.names))[shard.index :: shard.count]

    def results_of(self, photo: FoundPhoto) -> Results:
        """Return what is written for a photo, or for a video."""
        return self.results.of_video if photo.is_video else self.results

    def check(self, task: Task, known: Mapping[str, bytes]) -> tuple[str, dict[str, Any] | None]:
        """Digest a photo, and find its row if an earlier run parsed it in the same way.

        Args:
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


def choose_datasets(
    named: Sequence[str], known: Sequence[str], translated: Collection[str] = ()
) -> list[str]:
    """Choose the label sets: the named ones, each once, all, or the only one.

    Args:
        named: From the settings; may hold "all".
        translated: Others that their labels translate to; "all" does not mean them.

    Raises:
        DatasetError: If the weights do not have one, or the choice is not clear.
    """
    if not known:
        raise DatasetError("the weights have no label set: they can only be used with --init")
    if "all" in named or (not named and len(known) == 1):
        return list(known)
    if not named:
        raise DatasetError(
            "several label sets are possible: choose with --dataset",
            hint=f"--dataset {known[0]}, or --dataset all",
        )
    names = list(dict.fromkeys(map(dataset_name, named)))
    check_known(names, [*known, *(name for name in translated if name not in known)])
    return names


def comparable(known: Iterable[str]) -> list[str]:
    """Return all label sets of the weights, to compare them.

    Raises:
        DatasetError: If there is only one.
    """
    names = list(known)
    if len(names) < 2:
        raise DatasetError(
            "--consistency compares label sets, and these weights have only one",
            hint="Leave out --consistency; the manifest has the doubt of each photo without it.",
        )
    return names


def recipe_of(
    weights: str,
    settings: Mapping[str, Any],
    label_sets: Sequence[LabelSet],
    kinds: Sequence[Kind],
) -> str:
    """Digest everything that the results depend on, except for the photo.

    Args:
        weights: Digest of the weights.
        settings: Those that change a result.
        kinds: Give the ids as they are written, which a file of the user may change.
    """
    tables = [kind.view.table for kind in kinds if kind.save in OUTPUTS]
    parts = [labels.digest for labels in label_sets]
    everything = [__version__, weights, settings, parts, tables]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]


def spare_photos(plan: Plan) -> None:
    """Check that no result would overwrite a photo.

    Raises:
        SettingsError: If one would.
    """
    paths = [photo.source for photo in plan.photos if isinstance(photo.source, Path)]
    photos = {_file_id(path) for path in paths}
    for photo, name in zip(plan.photos, plan.names, strict=True):
        for path in plan.results_of(photo).paths(name):
            if (file_id := _file_id(path)) and file_id in photos:
                raise SettingsError(
                    f"a result of {photo} would overwrite the photo {path}",
                    hint="Use another folder for --out.",
                )


def _file_id(path: Path) -> tuple[int, int] | None:
    """Return what all names of a file share, also on file systems that ignore case."""
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
            raise OSError("it is not a file; for a pipe, use -")
        return file_digest(photo.source)
    except (OSError, ValueError) as error:
        raise PhotoError(f"the photo {photo} cannot be read: {error}") from error
