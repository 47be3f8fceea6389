"""Find a release on disk and list its samples."""

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from grapy_cli.data.layout import CARD, SPLITS, Problem, is_key
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.archive import ArchivePath, Place, is_archive, open_archive, undecoded_name
from grapy_cli.image_io.formats import NO_LABELS
from grapy_cli.image_io.lists import is_header, list_entries
from grapy_cli.image_io.names import is_clutter
from grapy_cli.labels import LABEL_SETS, dataset_option
from grapy_cli.prepare.coarse import COARSE_FOLDERS
from grapy_cli.prepare.problems import CHECKS, found
from grapy_cli.prepare.sources import Layout, Shelf, Source
from grapy_cli.prepare.stock import MAP_SUFFIXES, Entry, Stock, suffix_of, take_stock
from grapy_cli.prepare.unusable import lack, nothing_usable, some
from grapy_cli.safe_text import decode_text, spelled

Listed = dict[str, str]
"""Keys of a split, and the file of each photo that a list names with its suffix."""
LIST_FOLDERS = ("lists", "list", "splits", "pascal_person_part_trainval_list", ".")
LONGEST_KEY = 200  # bytes; file names have 255, with prefix and suffix
DEEPEST = 3  # levels of folders that are searched below a place


@dataclass(frozen=True)
class Release:
    """A release that was found: its folder and its shelves."""

    folder: Place
    layout: Layout
    shelves: tuple[Shelf, ...]


@dataclass
class Contents:
    """The samples of a release."""

    splits: dict[str, list[str]] = field(default_factory=dict)
    """Keys by split, in the order of the release's list; all of them have an entry."""
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Choices that were made, each a sentence."""
    listed: dict[str, int] = field(default_factory=dict)
    """How many keys the release has for each split, missing ones included."""


def find_release(source: Source, places: Sequence[Path], *, any_name: bool) -> Release:
    """Look for a release in some folders and archives, a few levels deep.

    Args:
        places: Folders and archives, the likeliest first. Archives in a folder are opened if its
            subfolders hold no release.
        any_name: Accept folders of any name below a place, not only the release's own names.

    Raises:
        DatasetError: If nothing is found, or only a part; the message says where it looked and what
            it expected, the hint what to do.
    """
    lacking: list[tuple[str, str]] = []
    for root in _roots_at(places):
        for folder in _folders_below(root):
            for layout in source.layouts:
                has_name = folder.name.casefold() in map(str.casefold, layout.roots)
                if not (any_name or folder == root or has_name):
                    continue
                whole, half = _shelves_in(folder, layout)
                if any(shelf.split != "test" for shelf in whole) and not half:
                    return Release(folder, layout, whole)
                lacking += half
    raise _nothing_found(source, places, lacking)


def read_release(release: Release, *, val_share: float, seed: int) -> Contents:
    """List photos, label maps and splits of a release.

    Without any list the labeled photos are shuffled and `val_share` of them becomes val.

    Raises:
        DatasetError: If no photo has a label map, or no list names one that has.
    """
    contents = Contents()
    shelves = []
    for shelf in release.shelves:
        stock = take_stock(release.folder, shelf, contents.notes)
        if shelf.split:
            lists_at = (release.folder / shelf.photos).parent
            unlisted = dict.fromkeys(sorted(stock.labeled or stock.photos.names), "")
            splits = {shelf.split: _read_list(lists_at, shelf.split, stock) or unlisted}
        else:
            splits = _splits_of(release.folder, stock, contents, val_share, seed)
        for split, keys in splits.items():
            contents.listed[split] = contents.listed.get(split, 0) + len(keys)
            for key, named in keys.items():
                _enter(contents, key, split, stock, named)
        known = {key for keys in splits.values() for key in keys}
        _look_for_surplus(contents, shelf, stock, known)
        shelves.append((stock, known))
    _look_at_names(release.folder, contents)
    if not contents.entries:
        raise nothing_usable(release.folder, shelves)
    return contents


def _look_at_names(folder: Place, contents: Contents) -> None:
    """Note that photos may be missing because a zip file has names in an old encoding."""
    is_missing = any(row.problem.startswith("missing") for row in contents.problems)
    if is_missing and isinstance(folder, ArchivePath):
        name = undecoded_name(folder.archive.path)
        if name:
            contents.notes.append(
                f"names such as {spelled(name)} are not UTF-8 and were read as cp437: if they are "
                "wrong, unpack the archive with the right encoding"
            )


def _enter(contents: Contents, key: str, split: str, stock: Stock, named: str) -> None:
    """Add one listed key as an entry or as a problem.

    Args:
        named: The photo's file where the list names it with its suffix.
    """
    entry, known = stock.entry(key, split, named), contents.entries.get(key)
    if reason := _why_not(entry, stock, named, known):
        problem, why = reason
        contents.problems.append(found(problem, split, spelled(key)[:LONGEST_KEY], why))
        return
    if known:
        contents.problems.append(found("in-two-splits", split, key, f"is also in {known.split}"))
    contents.entries.setdefault(key, entry)
    contents.splits.setdefault(split, []).append(key)


def _why_not(entry: Entry, stock: Stock, named: str, known: Entry | None) -> tuple[str, str] | None:
    """Return the problem and the reason why a listed key cannot be used."""
    key = entry.key
    if not is_key(key) or len(os.fsencode(key)) > LONGEST_KEY:
        return "bad-name", ""
    if not entry.photo_name:
        return "missing-photo", ""
    if not (entry.label_name or entry.coarse_names) and entry.split != "test":
        refused = stock.refused.get(key, "")
        why = f"{refused} is not a label map: {NO_LABELS[suffix_of(refused)]}" if refused else ""
        return "missing-label", why
    if rivals := stock.rivals(key, named):
        return "same-key", f"{' and '.join(rivals)} have one name: keep one of them"
    if known and known.photo != entry.photo:
        return "same-key", f"{known.photo} has the same key"
    return None


def _look_for_surplus(contents: Contents, shelf: Shelf, stock: Stock, known: set[str]) -> None:
    """Note files that no list names; each kind is one row."""
    photos, labels = set(stock.photos.names) - known, set(stock.labels.names) - known
    surplus = {
        "surplus-photos": photos - labels,
        "surplus-labels": labels - photos,
        "unlisted": photos & labels,
    }
    for problem, keys in surplus.items():
        if keys:
            what = f"{CHECKS[problem].says} ({len(keys)}): {some(keys)}"
            contents.problems.append(found(problem, shelf.split, "", what))


def _splits_of(
    folder: Place, stock: Stock, contents: Contents, val_share: float, seed: int
) -> dict[str, Listed]:
    """Take the splits from lists; without lists draw them, and note it."""
    splits = {split: keys for split in SPLITS if (keys := _read_list(folder, split, stock))}
    listed = {key for keys in splits.values() for key in keys}
    rest = [key for key in sorted(stock.labeled) if key not in listed]
    if not splits:
        random.Random(seed).shuffle(rest)
        num_val = round(val_share * len(rest)) or int(val_share > 0 and len(rest) > 1)
        contents.notes.append(
            f"there are no lists: val gets {num_val} of {len(rest)} photos, drawn with seed {seed}"
        )
        train, val = sorted(rest[num_val:]), sorted(rest[:num_val])
        return {"train": dict.fromkeys(train, ""), "val": dict.fromkeys(val, "")}
    if "train" not in splits and rest:
        contents.notes.append(
            f"there is no list for train: it gets all unlisted photos ({len(rest)})"
        )
        return {"train": dict.fromkeys(rest, ""), **splits}
    if rest:
        contents.notes.append(f"labeled photos that are in no list, left out: {len(rest)}")
    return splits


def _read_list(folder: Place, split: str, stock: Stock) -> Listed:
    """Read a split's list in any of its spellings; keys without folder and suffix."""
    names = (f"{split}_id.txt", f"{split}.txt")
    paths = (folder / place / name for place in LIST_FOLDERS for name in names)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return {}
    try:
        entries = list_entries(decode_text(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise DatasetError(f"the list {path} cannot be read: {error}") from error
    named = [stock.named_by(entry) for entry in entries]
    if entries and is_header(entries[0]) and not stock.has(named[0]):
        del named[0]
    return dict(one for one in named if one)


def _roots_at(places: Sequence[Path]) -> Iterator[Place]:
    """Yield the places, then the archives in them, which take longer to search."""
    for place in places:
        yield open_archive(place) if place.is_file() else place
    for place in places:
        if place.is_dir():
            yield from (open_archive(path) for path in sorted(place.iterdir()) if is_archive(path))


def _folders_below(place: Place) -> Iterator[Place]:
    """Yield a folder and its subfolders, level by level, without prepared data sets."""
    floor = [place] if place.is_dir() else []
    for _ in range(DEEPEST + 1):
        floor = [folder for folder in floor if not (folder / CARD).exists()]
        yield from floor
        floor = [below for folder in floor for below in _subfolders(folder)]


def _subfolders(folder: Place) -> list[Place]:
    try:
        below = (one for one in folder.iterdir() if one.is_dir() and one.name[0] not in "._")
        return sorted(below, key=attrgetter("name"))
    except OSError:  # no permission
        return []


def _shelves_in(folder: Place, layout: Layout) -> tuple[tuple[Shelf, ...], list[tuple[str, str]]]:
    """Return the complete shelves, and for the others what is missing and what to do."""
    whole, lacking = [], []
    for shelf in layout.shelves:
        has_photos = (folder / shelf.photos).is_dir()
        label_folders = [shelf.labels, *COARSE_FOLDERS.values()]
        has_labels = any(_holds_labels(folder / name) for name in label_folders)
        if has_photos and (has_labels or shelf.split == "test"):
            whole.append(shelf)
        elif has_photos or has_labels:
            lacking.append(lack(folder, shelf.labels if has_photos else shelf.photos))
    return tuple(whole), lacking


def _holds_labels(folder: Place) -> bool:
    """Tell whether label maps lie directly in a folder; in a prepared data set they do not."""
    return folder.is_dir() and any(
        suffix_of(path.name) in MAP_SUFFIXES and not is_clutter(path.name)
        for path in folder.iterdir()
    )


def _nothing_found(
    source: Source, looked: Sequence[Path], lacking: Sequence[tuple[str, str]]
) -> DatasetError:
    name = source.label_set.name
    trees = []
    for layout in source.layouts:
        root, shelf = layout.roots[0] if name in LABEL_SETS else "FOLDER", layout.shelves[0]
        trees.append(f"{root}/{{{shelf.photos}, {shelf.labels}, {layout.lists}}}")
    places = ", ".join(str(place.resolve()) for place in looked)
    found = "; ".join(dict.fromkeys(words for words, _ in lacking[:5]))
    add = "Copy or unpack what is missing. " if lacking else ""
    advice = next((advice for _, advice in lacking if advice), f"{add}{source.download}.")
    return DatasetError(
        f"no release of {name} at or below {places}{found and f'; {found}'}; "
        f"expected {' or '.join(trees)}",
        hint=f"{advice} Then: grapy prepare --dataset {dataset_option(name)} --source FOLDER",
    )
