"""Photos without label maps, and the facts that may be known of them.

A folder may hold, beside its photos or folders of photos,

    tags.json           {"STEM": ["skirt", "boots"]}: the garments that a photo shows, by its name
    person/STEM.png     1 person, 0 none, 255 unknown
    pascal/STEM.png     parts of a label set, as are cihp/ and atr/; 255 unknown
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import UInt8

from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.image_io.archive import Place, is_archive, open_archive
from grapy_cli.image_io.formats import LABEL_SUFFIXES
from grapy_cli.image_io.label_import import import_labels
from grapy_cli.image_io.names import (
    index_names,
    is_clutter,
    is_photo_name,
    key_of,
    normalized,
    numbered,
)
from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.garment_tags import GARMENTS

TAGS, PERSON = "tags.json", "person"
MAPS = (PERSON, *LABEL_SETS)
"""Folders of known pixels, beside the photos."""

Tags = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class FoundPhoto:
    """A photo to label."""

    key: str
    """Its unique name."""
    place: Place
    words: tuple[str, ...] | None
    """The garments on it; None if unknown."""
    maps: Mapping[str, Place]
    """Its person mask and its label maps, where there are some, by the name of their folder."""

    def read_maps(self, size: tuple[int, int]) -> dict[str, UInt8[np.ndarray, "h w"]]:
        """Read the person mask and the label maps, by the name of their folder.

        Args:
            size: Height and width of the photo, upright.

        Raises:
            PhotoError: If one cannot be read, or has another size.
        """
        return {name: _read_map(name, place, size) for name, place in self.maps.items()}


def _read_map(name: str, place: Place, size: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    labels = LABEL_SETS.get(name)
    colors = labels.ids_by_color if labels else {}
    try:
        num_parts = labels.num_parts if labels else 2
        ids = import_labels(place.read_bytes(), colors, num_parts=num_parts).ids
    except (OSError, DatasetError) as error:
        raise PhotoError(f"{place} cannot be read: {error}") from error
    if ids.shape != size:
        sizes = " and ".join(f"{width}x{height}" for height, width in (ids.shape, size))
        raise PhotoError(f"{place} and its photo differ in size: {sizes} pixels")
    return ids


def find_photos(sources: Sequence[Path]) -> list[FoundPhoto]:
    """Find the photos in folders and archives, with a unique key each.

    Raises:
        DatasetError: If a source is neither, or has no photos, or its tags cannot be read.
    """
    found: dict[str, FoundPhoto] = {}
    for source in sources:
        before = len(found)
        for place, words, maps in _search(_open(source), {}, {}):
            # Keys stand in lists, so they have no line breaks.
            plain = "-".join(PurePosixPath(normalized(place.stem)).name.split()) or "photo"
            key = next(key for key in numbered(plain) if key not in found)
            found[key] = FoundPhoto(key, place, words, maps)
        if len(found) == before:
            raise DatasetError(
                f"train.self_training.photos: there is no photo in {source}",
                hint="Both are searched for .jpg, .png, .webp, .heic and all other photos.",
            )
    return list(found.values())


def unknown_words(photos: Iterable[FoundPhoto]) -> Counter[str]:
    """Count the photos of each unknown word."""
    return Counter(
        word for photo in photos for word in set(photo.words or ()) if word not in GARMENTS
    )


def _open(source: Path) -> Place:
    if source.is_dir():
        return source
    if is_archive(source):
        return open_archive(source)
    raise DatasetError(
        f"train.self_training.photos: {source} is neither a folder nor an archive",
        hint="Name folders of photos, or tar, tar.gz or zip files of them.",
    )


def _search(
    folder: Place, tags: Tags, maps: Mapping[str, Mapping[str, Place]]
) -> Iterator[tuple[Place, tuple[str, ...] | None, Mapping[str, Place]]]:
    """Yield the photos of a folder with their words and label maps, also those known from above."""
    if (folder / TAGS).is_file():
        tags = _read_tags(folder / TAGS)
    map_folders = {name: folder / name for name in MAPS if (folder / name).is_dir()}
    maps = {**maps, **{name: _index(place) for name, place in map_folders.items()}}
    inside: Iterable[Place] = folder.iterdir()
    for place in sorted(inside, key=str):
        if is_clutter(place.name) or place in map_folders.values():
            continue
        if place.is_dir():
            yield from _search(place, tags, maps)
        elif is_photo_name(place.name):
            key = key_of(place.name)
            yield place, tags.get(key), {name: it[key] for name, it in maps.items() if key in it}


def _index(folder: Place) -> dict[str, Place]:
    names = index_names((place.name for place in folder.iterdir()), LABEL_SUFFIXES).names
    return {key: folder / name for key, name in names.items()}


def _read_tags(place: Place) -> Tags:
    try:
        table = json.loads(place.read_bytes())
        return {normalized(str(stem)): _words_of(words) for stem, words in table.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{place} cannot be read as tags: {error}",
            hint='It must hold one table, {"1005": ["skirt", "boots"], ...}, by names of photos.',
        ) from error


def _words_of(words: object) -> tuple[str, ...]:
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return tuple(word.strip().lower() for word in words)
    raise ValueError(f"{words!r} is not a list of words")
