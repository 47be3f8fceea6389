"""A teacher labels photos, and what it says becomes prepared data sets, photo by photo."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64, UInt8

from grapy_cli.data.layout import DatasetWriter
from grapy_cli.errors import PhotoError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import LabelSet
from grapy_cli.predict.events import PhotoRejected
from grapy_cli.runtime.reporting import Progressed, Reporter
from grapy_cli.runtime.world import World
from grapy_cli.train.self_training.pseudo_labels import (
    heed_label_maps,
    part_factors,
    part_shares,
    pseudo_label_map,
)
from grapy_cli.train.self_training.unlabeled_photos import PERSON, FoundPhoto

Counts = dict[str, Int64[np.ndarray, "256"]]
"""Pixels by data set, of each value of a label map."""


@dataclass(frozen=True)
class Labelled:
    """What became of photos."""

    keys: tuple[str, ...]
    """Those that have label maps now."""
    rejected: tuple[PhotoRejected, ...]
    counts: Counts


@dataclass(frozen=True)
class Labelling:
    """Labels photos in all label sets."""

    folder: Path
    """Of the data sets, one below it for each label set."""
    label_sets: Sequence[LabelSet]
    photos: Sequence[FoundPhoto]
    confidence: float
    load_teacher: Callable[[], HumanParser]
    """Called where there is anything to label."""
    anew: bool = False
    """Whether photos that have label maps are labelled again."""

    @cached_property
    def _shares(self) -> dict[str, Float[np.ndarray, " p"]]:
        words = [photo.words for photo in self.photos]
        return {labels.name: part_shares(labels, words) for labels in self.label_sets}

    def label(self, world: World, report: Reporter) -> list[Labelled]:
        """Write photos and label maps, each process its share; what cannot be read is left out.

        Returns:
            What each process did.

        Raises:
            DeviceError: If the device has not enough memory.
        """
        return world.gather([self._label(self.photos[world.rank :: world.size], report)])

    def _label(self, photos: Sequence[FoundPhoto], report: Reporter) -> Labelled:
        writers = {
            labels.name: DatasetWriter(self.folder / labels.name, labels)
            for labels in self.label_sets
        }
        # The last file of a photo is the last data set's: with it there, all of them are.
        last = writers[self.label_sets[-1].name]
        done_before = () if self.anew else photos
        before = {photo.key for photo in done_before if last.label_map(photo.key).exists()}
        teacher = self.load_teacher() if len(before) < len(photos) else None
        counts = {name: np.zeros(256, np.int64) for name in writers}
        keys, rejected = [], []
        began, fresh = time.monotonic(), 0
        for done, photo in enumerate(photos, start=1):
            if teacher and photo.key not in before:
                try:
                    seen = _Seen.by(teacher, photo, list(writers))
                except PhotoError as error:
                    rejected.append(PhotoRejected(str(photo.place), error.message))
                    continue
                self._write(photo, seen, writers)
                fresh += 1
            keys.append(photo.key)
            for name, writer in writers.items():
                label_map = load_label_map(writer.label_map(photo.key))
                counts[name] += np.bincount(label_map.ravel(), minlength=256)
            rate = fresh / max(time.monotonic() - began, 1e-9)
            note, left = f"{rate:.1f} photos/s", (len(photos) - done) / rate if rate else None
            report(Progressed("labelling photos", done, len(photos), note, left))
        return Labelled(tuple(keys), tuple(rejected), counts)

    def _write(
        self, photo: FoundPhoto, seen: "_Seen", writers: Mapping[str, DatasetWriter]
    ) -> None:
        """Write a photo and its label maps; in an archive it has no file that could be linked."""
        file: Path | bytes = photo.place if isinstance(photo.place, Path) else seen.data
        for name, writer in writers.items():
            file = writer.add_photo(photo.key, file, photo.place.suffix)
            label_map = pseudo_label_map(
                heed_label_maps(
                    seen.parsings[name].probabilities(), writer.label_set, seen.label_maps
                ),
                part_factors(writer.label_set, photo.words, self._shares[name]),
                seen.person,
                self.confidence,
            )
            writer.add_label_map(photo.key, label_map)


class _Seen(NamedTuple):
    """What is seen on a photo."""

    data: bytes
    """Of its file."""
    parsings: Mapping[str, Parsing]
    person: UInt8[np.ndarray, "h w"] | None
    label_maps: Mapping[str, UInt8[np.ndarray, "h w"]]
    """By the name of their label set, where some lie beside the photo."""

    @classmethod
    def by(cls, teacher: HumanParser, photo: FoundPhoto, datasets: Sequence[str]) -> "_Seen":
        """Parse a photo.

        Raises:
            PhotoError: If it, or what is known of its pixels, cannot be read.
        """
        try:
            data = photo.place.read_bytes()
        except OSError as error:
            raise PhotoError(f"{photo.place} cannot be read: {error}") from error
        reading = teacher.read(data)
        known = photo.read_maps(reading.size)
        person = known.pop(PERSON, None)
        return cls(data, teacher.parse_all(reading, datasets), person, known)
