"""The files of one shelf of a release by key; list entries are looked up among them."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from grapy_cli.image_io.archive import Place
from grapy_cli.image_io.formats import LABEL_SUFFIXES, NO_LABELS, photo_suffixes
from grapy_cli.image_io.lists import is_comment, spellings
from grapy_cli.image_io.names import Index, index_names, match_affixes, normalized
from grapy_cli.labels import Level
from grapy_cli.prepare.coarse import COARSE_FOLDERS
from grapy_cli.prepare.sources import Shelf

MAP_SUFFIXES = LABEL_SUFFIXES | {".mat"}
"""Label maps of releases; the last is PASCAL-Part's own format."""


class Folders(NamedTuple):
    """The folders of one shelf; all its entries share them."""

    photos: Place
    labels: Place
    mirrored: Place
    coarse: Mapping[Level, Place]


@dataclass(frozen=True, slots=True)
class Entry:
    """One photo to prepare, as short names in shared folders: there are tens of thousands."""

    key: str
    split: str
    """The first split that lists it."""
    folders: Folders
    photo_name: str
    label_name: str = ""
    mirrored_name: str = ""
    coarse_names: Mapping[Level, str] = field(default_factory=dict)

    @property
    def photo(self) -> Place:
        """The photo."""
        return self.folders.photos / self.photo_name

    @property
    def label(self) -> Place | None:
        """Its label map; a photo of a test split may have none."""
        return self.folders.labels / self.label_name if self.label_name else None

    @property
    def mirrored(self) -> Place | None:
        """The release's own label map of the mirrored photo."""
        return self.folders.mirrored / self.mirrored_name if self.mirrored_name else None

    @property
    def coarse(self) -> dict[Level, Place]:
        """Its label maps of levels 2 and 1, where the release brings some."""
        folders = self.folders.coarse
        return {level: folders[level] / name for level, name in self.coarse_names.items()}

    @property
    def files(self) -> list[Place]:
        """All its files."""
        one_each = [self.photo, self.label, self.mirrored]
        return [place for place in one_each if place] + list(self.coarse.values())


@dataclass(frozen=True)
class Stock:
    """The files of one shelf."""

    folders: Folders
    photos: Index
    labels: Index
    """Label maps by the key of their photo, where they have one."""
    mirrored: Mapping[str, str]
    coarse: Mapping[Level, Mapping[str, str]]
    """Label maps of levels 2 and 1, by level and key."""
    refused: Mapping[str, str]
    """Files among the label maps whose format is not read."""
    aliases: Mapping[str, str]
    """The photo's key for label maps that are named like `a_mask`."""

    @property
    def labeled(self) -> set[str]:
        """The keys that have a label map of any level."""
        return set(self.labels.names).union(*self.coarse.values())

    def entry(self, key: str, split: str, named: str) -> Entry:
        """Return a photo with its label maps; the names of missing files are empty.

        Args:
            named: The photo's file if a list names it with its suffix; empty if not.
        """
        photo = named or self.photos.names.get(key, "")
        label, mirrored = self.labels.names.get(key, ""), self.mirrored.get(key, "")
        coarse = {level: names[key] for level, names in self.coarse.items() if key in names}
        return Entry(key, split, self.folders, photo, label, mirrored, coarse)

    def rivals(self, key: str, named: str) -> list[str]:
        """Return the files that share a key, unless the list names one of them."""
        photos = [] if named else self.photos.rivals.get(key, [])
        return photos or self.labels.rivals.get(key, [])

    def named_by(self, entry: str) -> tuple[str, str] | None:
        """Return the key that a list entry means, and the photo's file if the entry names it.

        None for a comment. An entry that names nothing gives the key of the whole entry.
        """
        meant = (self._meant(spelling) for spelling in spellings(entry))
        known = (one for one in meant if self.has(one))
        whole = None if is_comment(entry) else self._meant(entry.replace("\\", "/"))
        return next(known, whole)

    def has(self, named: tuple[str, str] | None) -> bool:
        """Tell whether a key that a list entry means has a photo or a label map."""
        return named is not None and any(
            named[0] in index.names for index in (self.photos, self.labels)
        )

    def _meant(self, spelling: str) -> tuple[str, str]:
        path = PurePosixPath(normalized(spelling))
        suffix = suffix_of(path.name)
        has_suffix = suffix in photo_suffixes() or suffix in MAP_SUFFIXES
        key = path.stem if has_suffix else path.name
        key = self.aliases.get(key, key)
        rivals = self.photos.rivals.get(key, ())
        return key, next((name for name in rivals if normalized(name) == path.name), "")


def take_stock(folder: Place, shelf: Shelf, notes: list[str]) -> Stock:
    """List the files of a shelf by key.

    Args:
        notes: Gets a sentence if label maps are matched without a part of their names.
    """
    photos_at, labels_at = folder / shelf.photos, folder / shelf.labels
    coarse = {level: folder / name for level, name in COARSE_FOLDERS.items()}
    folders = Folders(photos_at, labels_at, folder / (shelf.mirrored or "-"), coarse)
    photos, labels = index_photos(folders.photos), _index(folders.labels, MAP_SUFFIXES)
    matched = match_affixes(photos.names, labels.names)
    if matched:
        photo, label = next(iter(matched.items()))
        notes.append(
            f"label maps matched by a part of their name: {len(matched)}, "
            f"such as {labels.names[label]} for {photos.names[photo]}"
        )
    aliases = {label: photo for photo, label in matched.items()}
    return Stock(
        folders,
        photos,
        Index({aliases.get(key, key): name for key, name in labels.names.items()}, labels.rivals),
        _index(folders.mirrored, MAP_SUFFIXES).names,
        {level: _index(place, LABEL_SUFFIXES).names for level, place in coarse.items()},
        _index(folders.labels, NO_LABELS).names,
        aliases,
    )


def index_photos(folder: Place) -> Index:
    """Sort the photos of a folder by key."""
    return _index(folder, photo_suffixes())


def suffix_of(name: str) -> str:
    """Return a name's suffix, lower case, dot included."""
    return PurePosixPath(name).suffix.lower()


def _index(folder: Place, suffixes: Container[str]) -> Index:
    names = [place.name for place in folder.iterdir()] if folder.is_dir() else []
    return index_names(names, suffixes)
