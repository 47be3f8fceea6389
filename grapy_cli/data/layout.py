"""The prepared data set on disk: one folder that every later command reads.

DATA/NAME/
├── dataset.json              written last: a folder that has it is complete
├── images/KEY.jpg            the photos, linked, in their own format
├── labels/level3/KEY.png     parts, as 8-bit indexed PNG; likewise level2 and level1
├── splits/train.txt          one key a line; likewise val and test
├── problems.csv              what was rejected or looks odd, and why
└── report.html               the audit, to look at
"""

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grapy_cli.atomic import replacing, write_text
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.label_maps import look_up, save_label_map
from grapy_cli.labels import IGNORE, LABEL_SETS, LabelSet, Level, dataset_option
from grapy_cli.safe_text import is_name, read_text

FORMAT = 1
CARD = "dataset.json"
PROBLEMS = "problems.csv"
REPORT = "report.html"
SPLITS = ("train", "val", "test")


LinkKind = Literal["auto", "hard", "soft", "copy"]
Severity = Literal["rejected", "warning", "note"]


class DatasetCard(BaseModel):
    """The content of `dataset.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    name: str
    label_set: dict[str, Any]
    """The whole table, as `LabelSet.to_dict` gives it."""
    photos: dict[str, int]
    """Number of photos of each split."""
    extensions: list[Annotated[str, Field(pattern=r"^\.\w+$")]]
    """Suffixes of the photos, dot included; each photo has one of them."""
    source: str
    """Place of the release, for people."""
    grapy: str
    """Version of grapy that prepared it."""
    audit: dict[str, Any] = {}
    """Counts of the audit, see `prepare/audit.py`."""
    coarse: bool = False
    """Whether label maps of levels 2 and 1 label pixels that those of parts ignore."""


class Problem(NamedTuple):
    """One row of `problems.csv`."""

    severity: Severity
    problem: str
    """Name of a row of the table in `prepare/problems.py`."""
    split: str
    key: str
    reason: str


@dataclass(frozen=True)
class PreparedDataset:
    """A complete prepared data set; open one with `PreparedDataset.open`."""

    folder: Path
    card: DatasetCard
    label_set: LabelSet

    @classmethod
    def open(cls, folder: Path) -> "PreparedDataset":
        """Open the data set in a folder.

        Raises:
            DatasetError: If the folder is missing, incomplete or damaged, or was prepared with
                another version of a label set that ships with grapy.
        """
        card = _read_card(folder)
        label_set = LabelSet.from_dict(card.label_set)
        shipped = LABEL_SETS.get(label_set.name)
        if shipped and shipped.digest != label_set.digest:
            raise _damaged(
                folder, f"has other {card.name} parts than this grapy knows", name=card.name
            )
        lists = [f"splits/{split}.txt" for split in card.photos]
        missing = [part for part in ["images", "labels", *lists] if not (folder / part).exists()]
        if missing:
            raise _damaged(folder, f"lacks {', '.join(missing)}", name=card.name)
        return cls(folder, card, label_set)

    @property
    def name(self) -> str:
        """Name of the data set and of its folder."""
        return self.card.name

    @property
    def splits(self) -> Mapping[str, int]:
        """Number of photos of each split that has any."""
        return self.card.photos

    def keys(self, split: str) -> tuple[str, ...]:
        """Return the keys of a split, in the order of its list.

        Raises:
            DatasetError: If there is no such split, or it is empty.
        """
        path = self.folder / "splits" / f"{split}.txt"
        keys = tuple(_read_keys(path)) if path.is_file() else ()
        for key in keys:
            if not is_key(key):
                raise _damaged(self.folder, f"lists {key!r}, which is not a key", name=self.name)
        if not keys:
            have = ", ".join(f"{name} ({count})" for name, count in self.splits.items())
            raise DatasetError(f"{self.name} has no {split} photos", hint=f"It has {have}.")
        return keys

    def photo(self, key: str) -> Path:
        """Return the photo of a key.

        Raises:
            DatasetError: If the photo is missing.
        """
        for extension in self.card.extensions:
            path = self.folder / "images" / f"{key}{extension}"
            if path.exists():
                return path
        raise _damaged(self.folder, f"has no photo of {key!r}", name=self.name)

    def label_map(self, key: str, level: int = Level.PART) -> Path:
        """Return the label map of a key; photos of a test split may have none."""
        return _label_path(self.folder, key, level)


def find_prepared(root: Path) -> list[str]:
    """Return the names of the complete data sets below a folder, sorted."""
    return sorted(card.parent.name for card in root.glob(f"*/{CARD}"))


def is_key(key: str) -> bool:
    """Tell whether a key can name files in a list: no path, no unprintable characters."""
    return is_name(key) and "/" not in key and "\\" not in key and key not in (".", "..")


class DatasetWriter:
    """Writes one prepared data set, piece by piece; safe to use from several threads.

    Every file is written beside its place and renamed. A run that stops leaves an incomplete folder
    without damaged files, and the next run continues.
    """

    def __init__(self, folder: Path, label_set: LabelSet, link: LinkKind = "auto") -> None:
        self.folder = folder
        self.label_set = label_set
        self._link = link
        self._palettes = {level: label_set.palette(level) for level in Level}
        self._parts = [".", "splits", "images", *(f"labels/level{level}" for level in Level)]
        for part in self._parts:
            (folder / part).mkdir(parents=True, exist_ok=True)

    def add_photo(self, key: str, photo: Path | bytes, extension: str) -> Path:
        """Store a photo and return its path.

        A file is linked, bytes from an archive are written.
        """
        target = self.folder / "images" / f"{key}{extension}"
        if isinstance(photo, bytes):
            with replacing(target) as unfinished:
                unfinished.write_bytes(photo)
        # Renaming a hard link onto another link of the same file would leave both.
        elif not (target.exists() and target.samefile(photo)):
            with replacing(target) as unfinished:
                _link(photo.resolve(), unfinished, self._link)
        return target

    def label_map(self, key: str) -> Path:
        """Return the path for the parts of a key, the last of its label maps to be written."""
        return _label_path(self.folder, key, Level.PART)

    def add_label_map(
        self,
        key: str,
        label_map: UInt8[np.ndarray, "h w"],
        coarse: Mapping[Level, UInt8[np.ndarray, "h w"]] | None = None,
    ) -> None:
        """Write the label maps of all three levels, the coarse ones derived from the parts.

        Args:
            coarse: Label maps of levels 2 and 1 that label more pixels than the parts do. Labels of
                a finer level have priority.
        """
        finer = label_map
        for level in sorted(Level, reverse=True):
            lifted = look_up(label_map, self.label_set.lift(level))
            if level == Level.HUMAN:
                lifted = np.where(finer == IGNORE, lifted, np.minimum(finer, 1))
            if coarse and level in coarse:
                lifted = np.where(lifted == IGNORE, coarse[level], lifted)
            save_label_map(_label_path(self.folder, key, level), lifted, self._palettes[level])
            finer = lifted

    def finish(
        self,
        splits: Mapping[str, Sequence[str]],
        *,
        extensions: Iterable[str],
        problems: Iterable[Problem],
        source: str,
        version: str,
        audit: dict[str, Any] | None = None,
        coarse: bool = False,
    ) -> PreparedDataset:
        """Write lists and problems, then `dataset.json`, which completes the data set."""
        for split in SPLITS:
            path = self.folder / "splits" / f"{split}.txt"
            if splits.get(split):
                write_text(path, "".join(f"{key}\n" for key in splits[split]))
            else:
                path.unlink(missing_ok=True)  # from an unfinished run
        self.write_problems(problems)
        card = DatasetCard(
            format=FORMAT,
            name=self.folder.name,
            label_set=self.label_set.to_dict(),
            photos={split: len(keys) for split, keys in splits.items() if keys},
            extensions=sorted(set(extensions)),
            source=source,
            grapy=version,
            audit=audit or {},
            coarse=coarse,
        )
        write_text(self.folder / CARD, card.model_dump_json(indent=2) + "\n")
        return PreparedDataset.open(self.folder)

    def write_problems(self, problems: Iterable[Problem]) -> None:
        """Write the table of problems, which is useful even if no sample is."""
        with (
            replacing(self.folder / PROBLEMS) as unfinished,
            unfinished.open("w", encoding="utf-8", newline="") as file,
        ):
            csv.writer(file).writerows([Problem._fields, *problems])

    def sweep(self) -> None:
        """Remove unfinished files of a killed run."""
        for part in self._parts:
            for path in (self.folder / part).glob(".*.part"):
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the samples of an earlier run that cannot be resumed."""
        for part in self._parts[1:]:
            shutil.rmtree(self.folder / part, ignore_errors=True)
            (self.folder / part).mkdir(parents=True)


def _read_keys(path: Path) -> list[str]:
    try:
        lines = read_text(path).split("\n")
    except (OSError, ValueError) as error:
        raise DatasetError(f"the list {path} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def _read_card(folder: Path) -> DatasetCard:
    name = folder.name
    try:
        card = DatasetCard.model_validate_json((folder / CARD).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        what = f"is not complete: it has no {CARD}" if folder.is_dir() else "does not exist"
        raise DatasetError(
            f"the prepared data set {folder} {what}",
            hint=f"grapy prepare --dataset {dataset_option(name)} --data {folder.parent}",
        ) from error
    except (OSError, ValidationError) as error:
        raise _damaged(folder, f"has a {CARD} that cannot be read: {error}", name=name) from error
    if card.format != FORMAT:
        raise _damaged(folder, f"has format {card.format}, this grapy {FORMAT}", name=card.name)
    return card


def _damaged(folder: Path, what: str, *, name: str) -> DatasetError:
    return DatasetError(
        f"the prepared data set {folder} {what}",
        hint=f"Remove {folder}, then: grapy prepare --dataset {name} --data {folder.parent}",
    )


def _label_path(folder: Path, key: str, level: int) -> Path:
    return folder / "labels" / f"level{int(level)}" / f"{key}.png"


def _link(source: Path, target: Path, kind: LinkKind) -> None:
    """Link or copy a file to another place; "auto" takes the first way that works there."""
    ways: dict[str, Callable[[Path, Path], object]] = {
        "hard": os.link,
        "soft": os.symlink,
        "copy": shutil.copyfile,
    }
    if kind == "auto":
        for way in ("hard", "soft"):
            with suppress(OSError):  # another disk, or a file system without links
                ways[way](source, target)
                return
        kind = "copy"
    ways[kind](source, target)
