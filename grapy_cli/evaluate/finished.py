"""The log of scored photos, with their counts, so that a run that was killed goes on.

Each process writes its own file. In the end their lines become `photos.jsonl`, in the order of the
lists, and the files of the processes are removed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import TypeAdapter

from grapy_cli.errors import DatasetError
from grapy_cli.evaluate.counts import PhotoCounts
from grapy_cli.evaluate.records import Case, PhotoScore
from grapy_cli.jsonl import Log, read_line, read_lines, write_lines
from grapy_cli.labels import IGNORE
from grapy_cli.metrics.scores import scores_of, totals_of

PHOTOS = "photos.jsonl"


class Place(NamedTuple):
    """Where the line of a photo is."""

    order: tuple[int, ...]
    """Its place among all photos of the run."""
    file: str
    start: int
    """Bytes into the file."""


class FinishedPhotos:
    """The lines of earlier runs in a folder, and the log of this process.

    Args:
        folder: What `--out` names.
        rank: Of this process, for the name of its file.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        earlier = (folder / PHOTOS, *sorted(folder.glob("photos.*.jsonl.part")))
        self._known = {row["id"]: place for path in earlier for row, place in _read(path)}
        self.places: list[Place] = []
        """The lines of this process's photos."""
        self._log = Log(folder / f"photos.{rank}.jsonl.part")

    def recall(self, identity: str) -> PhotoCounts | None:
        """Return the counts of a photo from an earlier run; None where no line holds them."""
        if identity not in self._known:
            return None
        try:
            row = json.loads(self._read(self._known[identity]))
            _score_of(row)
            return _counts_of(row)
        except (LookupError, TypeError, ValueError, OverflowError):
            return None

    def keep(self, identity: str, order: tuple[int, ...]) -> None:
        """Keep the line of a photo that was recalled, at its place in this run."""
        self.places.append(self._known[identity]._replace(order=order))

    def add(
        self, score: PhotoScore, photo: PhotoCounts, *, identity: str, order: tuple[int, ...]
    ) -> None:
        """Log a photo; from now on it is done.

        Args:
            identity: Digest of everything the counts depend on.

        Raises:
            OSError: If it cannot be written, or the file was removed meanwhile.
        """
        row = {**asdict(score), "id": identity, **_plain(photo)}
        self.places.append(Place(order, self._log.path.name, self._log.add(row)))

    def finish(self, places: Iterable[Place]) -> None:
        """Write the lines of all processes in order, and remove the files of the processes.

        Raises:
            DatasetError: If the file of another process is missing.
        """
        write_lines(self._folder / PHOTOS, map(self._read, sorted(places)))
        for path in self._folder.glob("photos.*.jsonl.part"):
            path.unlink()

    def _read(self, place: Place) -> bytes:
        try:
            return read_line(self._folder / place.file, place.start)
        except FileNotFoundError as error:
            raise DatasetError(
                f"{self._folder} lacks {place.file}, which another process wrote",
                hint="--out must be a folder that all machines see.",
            ) from error


def read_photo_scores(folder: Path) -> Iterator[PhotoScore]:
    """Read `photos.jsonl`, line by line."""
    for row, _ in _read(folder / PHOTOS):
        yield _score_of(row)


def photo_score(
    case: Case, dataset: str, key: str, photo: PhotoCounts, names: Sequence[str]
) -> PhotoScore:
    """Score one photo by itself."""
    scores = scores_of(photo.counts, names)
    parts = {name: part.iou for name, part in scores.parts.items() if part.iou is not None}
    right, true, parsed = totals_of(photo.counts)
    wrong = dict(zip(names, (true + parsed - 2 * right).tolist(), strict=True))
    return PhotoScore(
        case=case,
        dataset=dataset,
        photo=key,
        mean_iou=scores.mean_iou,
        pixel_accuracy=scores.pixel_accuracy,
        parts=parts,
        wrong={name: wrong[name] for name in parts},
    )


def _read(path: Path) -> Iterator[tuple[dict[str, Any], Place]]:
    """Read the rows of photos; other lines are passed over."""
    for line in read_lines(path):
        if isinstance(line.row.get("id"), str):
            yield line.row, Place((), path.name, line.start)


def _plain(photo: PhotoCounts) -> dict[str, Any]:
    true, parsed = np.nonzero(photo.counts)
    return {
        "size": len(photo.counts),
        "counts": [
            [int(t), int(p), int(photo.counts[t, p])] for t, p in zip(true, parsed, strict=True)
        ],
        "boundary": {level: rows.tolist() for level, rows in photo.boundary.items()},
        "bins": None if photo.bins is None else photo.bins.tolist(),
    }


_SCORE = TypeAdapter(PhotoScore)


def _score_of(row: dict[str, Any]) -> PhotoScore:
    """Raise LookupError or ValueError where the row is not one that `add` writes."""
    score = {key: row[key] for key in PhotoScore.__dataclass_fields__}
    # The key may have bytes that are not text; pydantic would refuse it.
    return replace(_SCORE.validate_python(score | {"photo": ""}), photo=str(row["photo"]))


def _counts_of(row: dict[str, Any]) -> PhotoCounts:
    if not 0 < row["size"] <= IGNORE:
        raise ValueError(f"a label set cannot have {row['size']} parts")
    counts = np.zeros((row["size"], row["size"]), np.int64)
    for true, parsed, pixels in row["counts"]:
        counts[true, parsed] = pixels
    return PhotoCounts(
        counts,
        {int(level): np.array(rows, np.int64) for level, rows in row["boundary"].items()},
        None if row["bins"] is None else np.array(row["bins"], np.int64),
    )
