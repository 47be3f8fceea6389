"""Self-training: a teacher labels photos, and later the run itself, for one more data folder."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grapy_cli import __version__
from grapy_cli.data.layout import CARD, DatasetWriter, PreparedDataset, Problem
from grapy_cli.errors import DatasetError, SettingsError, said_of
from grapy_cli.inference.parser import HumanParser
from grapy_cli.jsonl import is_log_of
from grapy_cli.labels import LabelSet
from grapy_cli.model.weights import read_card, resolve_weights, weights_digest
from grapy_cli.runtime.reporting import Reporter, Warned
from grapy_cli.runtime.world import World
from grapy_cli.settings.settings import Settings
from grapy_cli.train.checkpoints import Trained
from grapy_cli.train.datasets import DataRoot
from grapy_cli.train.events import PhotosLabeled
from grapy_cli.train.init_weights import check_label_sets
from grapy_cli.train.self_training.label_routes import routes_to
from grapy_cli.train.self_training.labeling import LOG, Labeled, Labeling
from grapy_cli.train.self_training.unlabeled_photos import FoundPhoto, find_photos, unknown_words

TEACHER_TTA = "flip"
"""Test-time augmentation for labeling."""


def teach(
    settings: Settings,
    label_sets: Sequence[LabelSet],
    folder: Path,
    world: World,
    device: torch.device,
    report: Reporter,
    *,
    resumed: bool,
) -> tuple[DataRoot, PhotosLabeled | None]:
    """Label the photos of a run, or find existing labels; all processes share the work.

    Args:
        folder: Where the data sets go, one for each label set.
        resumed: Whether the run resumes, with the label maps that it has.

    Returns:
        The data sets, and the facts of the labeling: None if another process has them.

    Raises:
        SettingsError: If no teacher is named.
        WeightsError: If the teacher cannot be used.
        DatasetError: If there are no photos, or none can be read.
        DeviceError: If the device does not have enough memory.
    """
    wanted = settings.train.self_training
    [named, *_] = world.gather([str(folder)])  # processes may have chosen different times
    folder = Path(named)
    is_labeled = all((folder / labels.name / CARD).exists() for labels in label_sets)
    if resumed and is_labeled:
        return _open(folder, label_sets, wanted.share), None
    photos = find_photos(wanted.photos)
    weights = _teacher(settings, label_sets)
    recipe = _recipe(photos, label_sets, weights, wanted.confidence)
    if world.is_main:
        if unknown := unknown_words(photos):
            counted = ", ".join(f"{word} ({count})" for word, count in unknown.most_common())
            report(Warned(f"tags that name no garment known here, which allow nothing: {counted}"))
        _begin(folder, label_sets, recipe)
    world.barrier()
    labeling = Labeling(
        folder,
        label_sets,
        photos,
        wanted.confidence,
        lambda: HumanParser.load(
            weights, device=str(device), tta=TEACHER_TTA, labels=settings.infer.labels
        ),
        recipe,
    )
    rows = labeling.label(world, report)
    if world.is_main:
        for rejected in (one for row in rows for one in row.rejected):
            report(rejected)
        sources = ", ".join(str(path) for path in wanted.photos)
        source = f"labeled by {weights} on {sources}"
        event = _finish(folder, label_sets, photos, rows, source)
    world.barrier()
    return _open(folder, label_sets, wanted.share), event if world.is_main else None


def relabel(
    settings: Settings,
    trained: Trained,
    parser: HumanParser,
    label_sets: Sequence[LabelSet],
    folder: Path,
    world: World,
    report: Reporter,
) -> None:
    """Label the photos again with the weights of the run; all processes share the work.

    The weights are those that would be scored: the moving average, if there is one. They replace
    the label maps that a teacher wrote, photo by photo. The same weights give the same labels; a
    run that stops meanwhile starts this again.

    Args:
        parser: Of the network that is trained.
        folder: Of the data sets that the teacher wrote.

    Raises:
        DatasetError: If the photos are gone.
        DeviceError: If the device does not have enough memory.
    """
    wanted = settings.train.self_training
    photos = find_photos(wanted.photos)
    labeling = Labeling(folder, label_sets, photos, wanted.confidence, lambda: parser)
    with trained.shown():
        rows = labeling.label(world, report)
    if world.is_main:
        report(_event_of(rows, label_sets, "the run itself"))
    world.barrier()


def _teacher(settings: Settings, label_sets: Sequence[LabelSet]) -> Path:
    teacher = settings.train.self_training.teacher
    named = teacher or settings.train.init
    if named is None:
        raise SettingsError(
            "train.self_training.photos: no weights are named that label the photos",
            hint="Set train.self_training.teacher, or --init, to a weights file or a run folder.",
        )
    with said_of("train.self_training.teacher" if teacher else "--init"):
        weights = resolve_weights(named)
        card = read_card(weights, settings.infer.labels)
        if not card.network:
            check_label_sets(label_sets, card, weights)
        routes_to(label_sets, {labels.name: labels for labels in card.load_label_sets()})
    return weights


def _recipe(
    photos: Sequence[FoundPhoto], label_sets: Sequence[LabelSet], weights: Path, confidence: float
) -> dict[str, Any]:
    digest = hashlib.blake2b(digest_size=12)
    for photo in photos:
        files = [photo.place, *photo.maps.values()]
        states = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        digest.update(repr((photo.key, photo.words, states)).encode())
    return {
        "grapy": __version__,
        "teacher": weights_digest(weights),
        "confidence": confidence,
        "label_sets": {labels.name: labels.digest for labels in label_sets},
        "photos": digest.hexdigest(),
    }


def _begin(folder: Path, label_sets: Sequence[LabelSet], recipe: Mapping[str, Any]) -> None:
    """Prepare the folder: remove labels of another recipe, and unfinished files."""
    logs = list(folder.glob(LOG.format("*")))
    if not logs or not all(is_log_of(path, recipe) for path in logs):
        shutil.rmtree(folder, ignore_errors=True)
    for labels in label_sets:
        DatasetWriter(folder / labels.name, labels).sweep()


def _finish(
    folder: Path,
    label_sets: Sequence[LabelSet],
    photos: Sequence[FoundPhoto],
    rows: Sequence[Labeled],
    source: str,
) -> PhotosLabeled:
    labeled = {key for row in rows for key in row.keys}
    keys = [photo.key for photo in photos if photo.key in labeled]
    rejected = [one for row in rows for one in row.rejected]
    if not keys:
        first = f": {rejected[0].reason}" if rejected else ""
        raise DatasetError(
            f"train.self_training.photos: none of {len(photos)} photos can be read{first}"
        )
    problems = [
        Problem("rejected", "unreadable-photo", "train", one.photo, one.reason) for one in rejected
    ]
    event = _event_of(rows, label_sets, "the teacher")
    for labels in label_sets:
        DatasetWriter(folder / labels.name, labels).finish(
            {"train": keys},
            extensions={photo.place.suffix for photo in photos},
            problems=problems,
            source=source,
            version=__version__,
            audit={"shares": event.shares[labels.name]},
        )
    return event


def _event_of(rows: Sequence[Labeled], label_sets: Sequence[LabelSet], by: str) -> PhotosLabeled:
    """Combine the results of all processes."""
    shares = {}
    for labels in label_sets:
        counts = np.sum([row.counts[labels.name] for row in rows], axis=0).tolist()
        named, total = zip(labels.names, counts, strict=False), sum(counts)
        shares[labels.name] = {name: round(count / total, 6) for name, count in named}
    photos = sum(len(row.keys) for row in rows)
    return PhotosLabeled(photos, sum(len(row.rejected) for row in rows), by, shares)


def _open(folder: Path, label_sets: Sequence[LabelSet], share: float) -> DataRoot:
    return DataRoot([PreparedDataset.open(folder / labels.name) for labels in label_sets], share)
