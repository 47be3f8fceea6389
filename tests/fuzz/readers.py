"""Every reader of what others wrote, as a function of bytes, with the files it is fed."""

import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from grapy_cli.data.layout import CARD, PreparedDataset, is_key
from grapy_cli.errors import GrapyError
from grapy_cli.evaluate.baseline import compare, read_baseline
from grapy_cli.evaluate.finished import PHOTOS, FinishedPhotos, read_photo_scores
from grapy_cli.evaluate.masks import MaskFolders
from grapy_cli.image_io.archive import open_archive
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import load_photo, read_photo, read_shrunk
from grapy_cli.labels import LABEL_SETS, label_set
from grapy_cli.labels.orders import label_order
from grapy_cli.model.legacy import import_legacy
from grapy_cli.model.weights import load_weights, read_card
from grapy_cli.predict.manifest import FAILURES, MANIFEST, Manifest, Shard
from grapy_cli.predict.outputs.finalize import finish
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.sources import find_photos, name_masks
from grapy_cli.predict.video.read import read_frames, video_errors
from grapy_cli.prepare.check import check_photo, read_label
from grapy_cli.prepare.finished import FinishedSamples
from grapy_cli.prepare.release import find_release, read_release
from grapy_cli.prepare.sources import SOURCES, own_source
from grapy_cli.runtime.journal import read_journal
from grapy_cli.safe_text import decode_text
from grapy_cli.settings.layers import resolve
from grapy_cli.train.learning_curves import Table, to_csv, to_picture
from grapy_cli.weights.card_sections import sections_of
from tests.fuzz import corpus
from tests.support import tiny

Read = Callable[[bytes, Path], object]

_ROOT = re.compile(r"(?<![\w.])[/\\]+")
"""A slash that is not behind a name: it would have the whole disk searched."""


@dataclass(frozen=True)
class Reader:
    """A reader: it returns or raises a GrapyError, whatever it is given."""

    seeds: Callable[[], Sequence[bytes]]
    read: Read
    """Gets the file's bytes and an empty folder of its own."""


def _photo(data: bytes, folder: Path) -> None:
    with suppress(GrapyError):
        read_shrunk(data, 4)
    read_photo(data)


def _training_photo(data: bytes, folder: Path) -> None:
    load_photo(_file(folder / "photo.jpg", data))


def _released_label(data: bytes, path: Path) -> None:
    read_label(_file(path, data), SOURCES["pascal"])


def _label_map(data: bytes, folder: Path) -> None:
    load_label_map(_file(folder / "labels.png", data))


def _masks(data: bytes, folder: Path) -> None:
    for name, mask in (("pred", data), ("truth", corpus.label_maps()[0])):
        (folder / name).mkdir()
        _file(folder / name / "a.png", mask)
    folders = MaskFolders.open(folder / "pred", folder / "truth", LABEL_SETS["pascal"], "val")
    folders.load("a")


def _weights(data: bytes, folder: Path) -> None:
    path = _file(folder / "w.safetensors", data)
    list(sections_of(read_card(path)))
    load_weights(path)


def _checkpoint(data: bytes, folder: Path) -> None:
    import_legacy(_file(folder / "w.pth", data), folder / "w.safetensors", grapy="0.1.0")


def _label_file(data: bytes, folder: Path) -> None:
    path = str(_file(folder / "own.toml", data))
    with suppress(GrapyError):
        label_order(path).read_table(LABEL_SETS["cihp"])
    label_set(path)


def _settings(data: bytes, folder: Path) -> None:
    resolve(config=_file(folder / "grapy.toml", data), stage_rows=True)


def _archive(data: bytes, folder: Path) -> None:
    root = open_archive(_file(folder / "release.zip", data))
    for names in itertools.islice(root.archive.files, 20):
        place = root
        for name in names:
            place /= name
        with suppress(OSError):  # of one file; it is named and left out
            place.read_bytes()


def _list(data: bytes, folder: Path) -> None:
    with suppress(ValueError):
        text = decode_text(data)
        if (below := _ROOT.sub("", text)) != text:
            data = below.encode()
    with chdir(folder):
        name_masks(find_photos([f"@{_file(folder / 'list', data)}"], leave_out=folder / "out"))


def _release_list(data: bytes, folder: Path) -> None:
    release = tiny.write_own(folder / "own", LABEL_SETS["pascal"], photos=2)
    _file(release / "splits" / "train.txt", data)
    found = find_release(own_source(LABEL_SETS["pascal"]), [release], any_name=True)
    for key in read_release(found, val_share=0.5, seed=0).entries:
        assert is_key(key)


def _manifest(data: bytes, folder: Path) -> None:
    for name in (MANIFEST, FAILURES, ".manifest-1-of-1.jsonl"):
        _file(folder / name, data)
    manifest = Manifest(folder, ["a.jpg"], Shard())
    manifest.recall()
    manifest.fold(everything=True)
    kinds = plan_kinds([LABEL_SETS["pascal"]], [3], ["mask", "polygons"], thumbnails=True)
    finish(folder, kinds, manifest.rows, manifest.failures, gallery=True, sheet=True)


def _scores(data: bytes, folder: Path) -> None:
    _file(folder / PHOTOS, data)
    ledger = FinishedPhotos(folder)
    for identity in ("0f" * 16, "1f" * 16):
        if ledger.recall(identity):
            ledger.keep(identity, (0,))
    ledger.finish(ledger.places)
    list(read_photo_scores(folder))


def _findings(data: bytes, folder: Path) -> None:
    path = folder / "ledger.jsonl"
    FinishedSamples(path, ["same"])
    path.write_bytes(path.read_bytes() + data)
    finished = FinishedSamples(path, ["same"])
    assert len(list(finished)) == finished.num_done


def _journal(data: bytes, folder: Path) -> None:
    rows = Table(read_journal(_file(folder / "journal.jsonl", data))).rows()
    to_csv(rows)
    to_picture(rows)


def _baseline(data: bytes, folder: Path) -> None:
    document: dict[str, Any] = json.loads(corpus.baselines()[0])
    compare(document, read_baseline(_file(folder / "scores.json", data)), 0.0)


def _dataset(data: bytes, folder: Path) -> None:
    for name in ("images", "labels", "splits"):
        (folder / name).mkdir()
    (folder / "splits" / "train.txt").write_text("a\n")
    (folder / "images" / "a.jpg").write_bytes(b"")
    _file(folder / CARD, data)
    dataset = PreparedDataset.open(folder)
    for key in dataset.keys("train"):
        dataset.photo(key)


def _dataset_list(data: bytes, folder: Path) -> None:
    for name in ("images", "labels", "splits"):
        (folder / name).mkdir()
    _file(folder / CARD, corpus.dataset_cards()[0])
    _file(folder / "splits" / "train.txt", data)
    dataset = PreparedDataset.open(folder)
    for key in dataset.keys("train"):
        assert dataset.label_map(key).resolve().is_relative_to(folder.resolve())


def _video(data: bytes, folder: Path) -> None:
    path = _file(folder / "film.mp4", data)
    with video_errors(path):
        for _ in itertools.islice(read_frames(path), 20):
            pass


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "photo": Reader(corpus.photos, _photo),
        "photo of a phone": Reader(corpus.heifs, _photo),
        "photo to train on": Reader(corpus.photos, _training_photo),
        "photo of a release": Reader(corpus.photos, lambda data, _: check_photo(data)),
        "label map": Reader(corpus.label_maps, _label_map),
        "label map of a release": Reader(
            corpus.label_maps, lambda data, at: _released_label(data, at / "labels.png")
        ),
        "mask of another tool": Reader(corpus.label_maps, _masks),
        "MATLAB file": Reader(
            corpus.mats, lambda data, at: _released_label(data, at / "labels.mat")
        ),
        "weights": Reader(corpus.weights, _weights),
        "checkpoint": Reader(corpus.checkpoints, _checkpoint),
        "label file": Reader(corpus.label_files, _label_file),
        "settings": Reader(corpus.settings, _settings),
        "zip": Reader(corpus.zips, _archive),
        "tar": Reader(corpus.tars, _archive),
        "list of a release": Reader(corpus.lists, _release_list),
        "list of photos": Reader(corpus.lists, _list),
        "manifest": Reader(corpus.manifests, _manifest),
        "scores of photos": Reader(corpus.ledgers, _scores),
        "findings of prepare": Reader(corpus.findings, _findings),
        "journal": Reader(corpus.journals, _journal),
        "baseline": Reader(corpus.baselines, _baseline),
        "card of a data set": Reader(corpus.dataset_cards, _dataset),
        "list of a data set": Reader(corpus.lists, _dataset_list),
        "video": Reader(corpus.videos, _video),
    }
)
