"""Match photos, label maps and masks by name, the same way in every command."""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from grapy_cli.image_io.formats import photo_suffixes

_CLUTTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
"""Names that Windows and macOS leave in folders, besides those that start with a dot."""

_LABEL_WORDS = "mask|masks|label|labels|gt|seg|segmentation|parsing|parse|annotation|pred"
_PHOTO_WORDS = "image|img|photo|rgb"
_AFFIX = re.compile(
    rf"^(?:{_LABEL_WORDS}|{_PHOTO_WORDS})[-_. ]+|[-_. ]+(?:{_LABEL_WORDS}|{_PHOTO_WORDS})$"
)


class Index(NamedTuple):
    """The files of a folder by key."""

    names: dict[str, str]
    """For each key the name of its file; the first by name where several share the key."""
    rivals: dict[str, list[str]]
    """For each key that several files share, the names of all of them."""


def is_clutter(name: str) -> bool:
    """Tell whether a file is hidden, or something that an operating system left behind."""
    return name.startswith(".") or name.lower() in _CLUTTER


def is_photo_name(name: str) -> bool:
    """Tell by its name whether a file is a photo."""
    return not is_clutter(name) and PurePosixPath(name).suffix.lower() in photo_suffixes()


def normalized(name: str) -> str:
    """Spell a name with composed accents: macOS writes `e` and an accent as two characters."""
    return unicodedata.normalize("NFC", name)


def numbered(name: str) -> Iterator[str]:
    """Yield names for things of one name, best first: a, a-2, a-3 and so on."""
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def key_of(name: str) -> str:
    """Return the key of a file: its relative path with composed accents, without its suffix."""
    return normalized(str(PurePosixPath(name).with_suffix("")))


def index_names(names: Iterable[str], suffixes: Container[str]) -> Index:
    """Sort the files of a folder by key, without clutter and files of other formats.

    Args:
        names: Relative paths.
        suffixes: Lower case, dot included.
    """
    by_key = defaultdict(list)
    for name in sorted(names):
        path = PurePosixPath(name)
        if path.suffix.lower() in suffixes and not any(map(is_clutter, path.parts)):
            by_key[key_of(name)].append(name)
    return Index(
        {key: rivals[0] for key, rivals in by_key.items()},
        {key: rivals for key, rivals in by_key.items() if len(rivals) > 1},
    )


def match_affixes(photos: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Pair photos without a label map with label maps named `a_mask`, `a_gt` or `mask_a`.

    Upper and lower case count as one here. A pair counts only if nothing else matches either side.

    Args:
        photos: By key.
        labels: By key.

    Returns:
        The label map's key for each photo's key.
    """
    photos_by_core = _by_core(key for key in photos if key not in labels)
    labels_by_core = _by_core(key for key in labels if key not in photos)
    return {
        keys[0]: labels_by_core[core][0]
        for core, keys in photos_by_core.items()
        if len(keys) == 1 and len(labels_by_core.get(core, ())) == 1
    }


def _by_core(keys: Iterable[str]) -> dict[str, list[str]]:
    by_core = defaultdict(list)
    for key in keys:
        path = PurePosixPath(key)
        name = path.stem if is_photo_name(path.name) else path.name  # a.jpg.png
        core = _AFFIX.sub("", name.casefold()) or name
        by_core[str(path.with_name(core))].append(key)
    return by_core
