"""Label photos with a teacher, and write the labels as prepared data sets."""

import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, UInt8

from grapy_cli.data.layout import DatasetWriter
from grapy_cli.errors import PhotoError
from grapy_cli.image_io.label_maps import count_ids, load_label_map
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.stream import (
    OtherWork,
    ParsedPhoto,
    ParseRequest,
    PhotoStream,
    Request,
    threads_for,
)
from grapy_cli.jsonl import Log, read_lines
from grapy_cli.labels import LabelSet
from grapy_cli.predict.events import PhotoRejected
from grapy_cli.runtime.reporting import Progressed, Reporter
from grapy_cli.runtime.world import World
from grapy_cli.train.self_training.label_routes import Route, routes_to
from grapy_cli.train.self_training.pseudo_labels import (
    apply_label_maps,
    part_factors,
    part_shares,
    pseudo_label_map,
)
from grapy_cli.train.self_training.unlabeled_photos import PERSON, FoundPhoto

Counts = dict[str, Int64[np.ndarray, "256"]]
"""Pixels by data set, of each value of a label map."""

LOG = ".labeled.{}.jsonl"
"""Of the photos that a process has labeled, by its rank."""

_Writers = Mapping[str, DatasetWriter]
_LabelMaps = Mapping[str, UInt8[np.ndarray, "h w"]]
"""By data set, as the writers."""


@dataclass(frozen=True)
class Labeled:
    """The result for some photos."""

    keys: tuple[str, ...]
    """Those that have label maps now."""
    rejected: tuple[PhotoRejected, ...]
    counts: Counts


@dataclass(frozen=True)
class Labeling:
    """Labels photos in all label sets."""

    folder: Path
    """Of the data sets, one below it for each label set."""
    label_sets: Sequence[LabelSet]
    photos: Sequence[FoundPhoto]
    confidence: float
    load_teacher: Callable[[], HumanParser]
    """Called if there are photos to label."""
    recipe: Mapping[str, Any] | None = None
    """What the labels depend on: what an earlier run has logged with the same recipe is not
    labeled again. None labels all photos and logs nothing."""

    @cached_property
    def _shares(self) -> dict[str, Float[np.ndarray, " p"]]:
        words = [photo.words for photo in self.photos]
        return {labels.name: part_shares(labels, words) for labels in self.label_sets}

    def label(self, world: World, report: Reporter) -> list[Labeled]:
        """Write photos and label maps, each process its share; unreadable photos are left out.

        Returns:
            The result of each process.

        Raises:
            DeviceError: If the device does not have enough memory.
        """
        logs = self.folder.glob(LOG.format("*")) if self.recipe else ()
        known = {str(line.row.get("photo")) for path in logs for line in read_lines(path)}
        world.barrier()  # all processes have read before one of them writes
        log = Log(self.folder / LOG.format(world.rank), self.recipe) if self.recipe else None
        photos = self.photos[world.rank :: world.size]
        return world.gather([self._label(photos, known, log, report)])

    def _label(
        self,
        photos: Sequence[FoundPhoto],
        known: Collection[str],
        log: Log | None,
        report: Reporter,
    ) -> Labeled:
        writers = {
            labels.name: DatasetWriter(self.folder / labels.name, labels)
            for labels in self.label_sets
        }
        before = {photo.key for photo in photos if photo.key in known}
        counts = {name: np.zeros(256, np.int64) for name in writers}
        keys, rejected = [], []
        began, fresh = time.monotonic(), 0
        with closing(self._results(photos, before, writers)) as results:
            for done, (photo, result) in enumerate(zip(photos, results, strict=True), start=1):
                if isinstance(result, PhotoRejected):
                    rejected.append(result)
                    continue
                if result.data is not None:
                    _write(photo, result.data, result.label_maps, writers)
                    fresh += 1
                    if log:
                        log.add({"photo": photo.key})
                keys.append(photo.key)
                for name, label_map in result.label_maps.items():
                    counts[name] += count_ids(label_map)
                rate = fresh / max(time.monotonic() - began, 1e-9)
                note, left = f"{rate:.1f} photos/s", (len(photos) - done) / rate if rate else None
                report(Progressed("labeling photos", done, len(photos), note, left))
        return Labeled(tuple(keys), tuple(rejected), counts)

    def _results(
        self, photos: Sequence[FoundPhoto], before: Collection[str], writers: _Writers
    ) -> Generator["_Labels | PhotoRejected", None, None]:
        """Give the labels of each photo: those of an earlier run, or the teacher's."""

        def read(photo: FoundPhoto) -> _Labels:
            maps = {name: load_label_map(it.label_map(photo.key)) for name, it in writers.items()}
            return _Labels(maps)

        if len(before) == len(photos):
            yield from map(read, photos)
            return
        teacher = self.load_teacher()
        routes = routes_to(self.label_sets, teacher.own_label_sets)
        parsed_in = list(dict.fromkeys(route.source for route in routes.values()))

        def request(photo: FoundPhoto) -> Request[_Labels | PhotoRejected]:
            if photo.key in before:
                return OtherWork(partial(read, photo))
            try:
                data = photo.place.read_bytes()
            except OSError as error:
                reason = f"{photo.place} cannot be read: {error}"
                return OtherWork(partial(PhotoRejected, str(photo.place), reason))
            finish = partial(self._label_photo, photo, data, routes)
            return ParseRequest(teacher, data, parsed_in, finish)

        stream = PhotoStream(request, threads_for(teacher, spare_memory=self.recipe is None))
        yield from stream.run(photos)

    def _label_photo(
        self,
        photo: FoundPhoto,
        data: bytes,
        routes: Mapping[str, Route],
        found: ParsedPhoto | PhotoError,
    ) -> "_Labels | PhotoRejected":
        try:
            if isinstance(found, PhotoError):
                raise found
            known = photo.read_maps(found.reading.size)
        except PhotoError as error:
            return PhotoRejected(str(photo.place), error.message)
        person = known.pop(PERSON, None)
        label_maps = {}
        for name, route in routes.items():
            probabilities, lost = route.translate(found.parsings[route.source].probabilities())
            label_maps[name] = pseudo_label_map(
                apply_label_maps(probabilities, route.target, known),
                part_factors(route.target, photo.words, self._shares[name]),
                person,
                self.confidence,
                lost,
            )
        return _Labels(label_maps, data)


@dataclass(frozen=True)
class _Labels:
    label_maps: _LabelMaps
    data: bytes | None = None
    """Of the photo's file, if the label maps are new."""


def _write(photo: FoundPhoto, data: bytes, label_maps: _LabelMaps, writers: _Writers) -> None:
    """Write a photo and its label maps; a photo in an archive cannot be linked."""
    file: Path | bytes = photo.place if isinstance(photo.place, Path) else data
    for name, writer in writers.items():
        file = writer.add_photo(photo.key, file, photo.place.suffix)
        writer.add_label_map(photo.key, label_maps[name])
