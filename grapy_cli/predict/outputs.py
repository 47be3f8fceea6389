"""What can be written about a parsing, and where each of it goes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np
from PIL import Image

from grapy_cli.errors import SettingsError
from grapy_cli.files import replacing
from grapy_cli.labels import Level
from grapy_cli.predict.parsing import Parsing


@dataclass(frozen=True)
class Output:
    """How one kind of result is written."""

    suffix: str
    write: Callable[[Parsing, Path, int, float], None]
    """Takes the parsing, the file, the level and the overlay's alpha."""
    by_level: bool = True
    """Whether there is one for each level, or one for the parts alone."""


@dataclass(frozen=True)
class Kind:
    """One result of every photo: what, by which label set, at which level, and its folder."""

    save: str
    dataset: str
    level: int
    folder: str
    """Below the output folder; empty where it is the only kind."""

    def path(self, out: Path, name: PurePosixPath) -> Path:
        """The file of a photo's result."""
        return out / self.folder / name.parent / f"{name.name}{OUTPUTS[self.save].suffix}"


def plan_kinds(datasets: Sequence[str], levels: Sequence[int], save: Sequence[str]) -> list[Kind]:
    """List everything that is written for each photo.

    Masks lie in folders named after label set and level, other results after what they are, with
    the label set behind where there are several.

    Raises:
        SettingsError: If two would share a folder, as a label set may be called "overlay".
    """
    kinds = [
        Kind(what, dataset, level, _folder(what, dataset, level, several=len(datasets) > 1))
        for what in dict.fromkeys(save)
        for dataset in dict.fromkeys(datasets)
        for level in (dict.fromkeys(levels) if OUTPUTS[what].by_level else [int(Level.PART)])
    ]
    if len(kinds) == 1:
        return [replace(kinds[0], folder="")]
    folders = Counter(kind.folder.casefold() for kind in kinds)
    for folder, count in folders.items():
        if count > 1:
            raise SettingsError(
                f"{count} kinds of results would share the folder {folder!r}",
                hint="Write each in a run of its own.",
            )
    return kinds


def _folder(what: str, dataset: str, level: int, *, several: bool) -> str:
    names = {"mask": dataset}
    name = names.get(what, f"{what}-{dataset}" if several else what)
    return name if level == Level.PART else f"{name}-level{level}"


def _write_mask(parsing: Parsing, path: Path, level: int, alpha: float) -> None:
    del alpha
    parsing.save_mask(path, level)


def _write_color(parsing: Parsing, path: Path, level: int, alpha: float) -> None:
    del alpha
    _save_picture(parsing.color(level), path)


def _write_overlay(parsing: Parsing, path: Path, level: int, alpha: float) -> None:
    _save_picture(parsing.overlay(level, alpha), path)


def _write_confidence(parsing: Parsing, path: Path, level: int, alpha: float) -> None:
    """Grey, 255 for certain."""
    del level, alpha
    _save_picture(Image.fromarray((parsing.confidence * 255).round().astype(np.uint8)), path)


def _write_probabilities(parsing: Parsing, path: Path, level: int, alpha: float) -> None:
    """`probs`: float16 of shape parts, height, width; `names`: of the parts."""
    del level, alpha
    names = np.array(parsing.label_set.names)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, probs=parsing.probabilities(), names=names)


def _save_picture(picture: Image.Image, path: Path) -> None:
    with replacing(path) as beside:
        picture.save(beside, format="PNG", compress_level=3)


OUTPUTS: Mapping[str, Output] = MappingProxyType(
    {
        "mask": Output(".png", _write_mask),
        "overlay": Output(".png", _write_overlay),
        "color": Output(".png", _write_color),
        "confidence": Output(".png", _write_confidence, by_level=False),
        "probs": Output(".npz", _write_probabilities, by_level=False),
    }
)
