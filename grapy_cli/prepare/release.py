"""Finding a release on disk, and listing what it holds."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grapy_cli.data.layout import CARD, SPLITS, Problem, read_keys
from grapy_cli.errors import DatasetError
from grapy_cli.prepare.sources import Layout, Shelf, Source

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
LABEL_SUFFIXES = (".png",)
LIST_FOLDERS = ("lists", "list", "splits", ".")
DEEPEST = 3  # folders below a place: enough for an archive's folder in a folder of one's own


@dataclass(frozen=True)
class Release:
    """A release that was found: its folder, and the shelves that are there."""

    folder: Path
    layout: Layout
    shelves: tuple[Shelf, ...]


@dataclass(frozen=True)
class Entry:
    """One photo to prepare; a photo of a test split may have no label map."""

    key: str
    split: str
    """The first split that lists it."""
    photo: Path
    label: Path | None


@dataclass
class Contents:
    """What a release holds."""

    splits: dict[str, list[str]] = field(default_factory=dict)
    """Keys by split, in the order of the release's list; all of them have an entry."""
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Choices that were made, each a sentence."""


def find_release(source: Source, places: Sequence[Path], *, any_name: bool) -> Release:
    """Look for a data set's release at some places and, a few levels deep, below them.

    Args:
        source: What to look for.
        places: Folders, the likeliest first.
        any_name: Accept folders of any name below a place, not only the release's own names.

    Raises:
        DatasetError: If nothing is found, or something is found in part; it says where was
            looked, what was expected, and where the release is had.
    """
    lacking: list[str] = []
    looked: list[Path] = []
    for place in places:
        looked.append(place)
        for folder in _folders_below(place):
            for layout in source.layouts:
                if not (any_name or folder == place or _goes_by(layout, folder)):
                    continue
                whole, half = _shelves_in(folder, layout)
                if whole and not half:
                    return Release(folder, layout, whole)
                lacking += [f"{folder} lacks {piece}" for piece in half]
    raise _nothing_found(source, looked, lacking)


def read_release(release: Release, *, val_share: float, seed: int) -> Contents:
    """List photos, label maps and splits of a release.

    Without any list the labelled photos are shuffled and `val_share` of them becomes val.
    """
    contents = Contents()
    for shelf in release.shelves:
        photos = _files_by_key(release.folder / shelf.photos, PHOTO_SUFFIXES)
        labels = _files_by_key(release.folder / shelf.labels, LABEL_SUFFIXES)
        if shelf.split:
            home = (release.folder / shelf.photos).parent
            listed = _read_list(home, shelf.split) or sorted(labels or photos)
            splits = {shelf.split: listed}
        else:
            splits = _splits_of(release.folder, labels, contents, val_share, seed)
        for split, keys in splits.items():
            for key in keys:
                _enter(contents, key, split, photos.get(key), labels.get(key))
    return contents


def _enter(
    contents: Contents, key: str, split: str, photo: Path | None, label: Path | None
) -> None:
    """File one listed key as an entry, or as the problem it is."""

    def problem(severity: str, reason: str) -> None:
        row = Problem(severity, split, key, reason)  # type: ignore[arg-type]
        contents.problems.append(row)

    known = contents.entries.get(key)
    if photo is None:
        problem("rejected", "listed, but there is no photo")
    elif label is None and split != "test":
        problem("rejected", "listed, but there is no label map")
    elif known and known.photo != photo:
        problem("rejected", f"{known.photo} has the same key")
    else:
        if known:
            problem("warning", f"is also in {known.split}")
        contents.entries.setdefault(key, Entry(key, split, photo, label))
        contents.splits.setdefault(split, []).append(key)


def _splits_of(
    folder: Path, labels: Iterable[str], contents: Contents, val_share: float, seed: int
) -> dict[str, list[str]]:
    """Take the splits from lists; what no list says is decided here, and told."""
    labelled = sorted(labels)
    splits = {split: keys for split in SPLITS if (keys := _read_list(folder, split))}
    listed = {key for keys in splits.values() for key in keys}
    rest = [key for key in labelled if key not in listed]
    if not splits:
        random.Random(seed).shuffle(rest)
        num_val = round(val_share * len(rest)) or int(val_share > 0 and len(rest) > 1)
        contents.notes.append(
            f"there are no lists: {num_val} photos are drawn for val, seed {seed}"
        )
        return {"train": sorted(rest[num_val:]), "val": sorted(rest[:num_val])}
    if "train" not in splits and rest:
        contents.notes.append(
            f"there is no list for train: it gets the {len(rest)} unlisted photos"
        )
        return {"train": rest, **splits}
    if rest:
        contents.notes.append(f"{len(rest)} labelled photos are in no list and are left out")
    return splits


def _read_list(folder: Path, split: str) -> list[str]:
    """Read a split's list in any of its spellings; keys without folder and extension."""
    for place in LIST_FOLDERS:
        for name in (f"{split}_id.txt", f"{split}.txt"):
            path = folder / place / name
            if path.is_file():
                return list(dict.fromkeys(_key_of(line) for line in read_keys(path)))
    return []


def _key_of(line: str) -> str:
    path = PurePosixPath(line)
    return path.stem if path.suffix.lower() in PHOTO_SUFFIXES else path.name


def _files_by_key(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in suffixes]
    return {path.stem: path for path in reversed(files) if not path.name.startswith(".")}


def _folders_below(place: Path) -> Iterator[Path]:
    """Yield a folder and what is below it, level by level, prepared data sets left out."""
    floor = [place] if place.is_dir() else []
    for _ in range(DEEPEST + 1):
        floor = [folder for folder in floor if not (folder / CARD).exists()]
        yield from floor
        floor = [below for folder in floor for below in _subfolders(folder)]


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(
            below for below in folder.iterdir() if below.is_dir() and below.name[0] not in "._"
        )
    except OSError:  # not ours to look into
        return []


def _goes_by(layout: Layout, folder: Path) -> bool:
    return folder.name.casefold() in {root.casefold() for root in layout.roots}


def _shelves_in(folder: Path, layout: Layout) -> tuple[tuple[Shelf, ...], list[str]]:
    """Return the shelves that are whole, and the missing halves of the others."""
    whole, missing = [], []
    for shelf in layout.shelves:
        has_photos = (folder / shelf.photos).is_dir()
        has_labels = _holds_labels(folder / shelf.labels)
        if has_photos and (has_labels or shelf.split == "test"):
            whole.append(shelf)
        elif has_photos or has_labels:
            missing.append(shelf.labels if has_photos else shelf.photos)
    return tuple(whole), missing


def _holds_labels(folder: Path) -> bool:
    """Tell whether label maps lie right in a folder, as they don't in a prepared data set."""
    return folder.is_dir() and any(
        path.suffix.lower() in LABEL_SUFFIXES for path in folder.iterdir()
    )


def _nothing_found(source: Source, looked: list[Path], lacking: list[str]) -> DatasetError:
    trees = [
        f"{layout.roots[0]}/{{{shelf.photos}, {shelf.labels}, {layout.lists}}}"
        for layout in source.layouts
        for shelf in layout.shelves[:1]
    ]
    places = ", ".join(str(place.resolve()) for place in looked)
    found = f"; {'; '.join(lacking[:5])}" if lacking else ""
    return DatasetError(
        f"no release of {source.label_set.name} at or below {places}{found}; "
        f"expected {' or '.join(trees)}",
        hint=f"{source.home}. Then: --source FOLDER",
    )
