"""Scoring masks that any tool wrote."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from grapy_cli.atomic import file_digest
from grapy_cli.data.layout import CARD, PreparedDataset
from grapy_cli.errors import DatasetError
from grapy_cli.evaluate.evaluator import AllCounts, Evaluator, Piece, digest_of
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.labels import IGNORE, LabelSet, Level
from grapy_cli.runtime.reporting import Progressed, Reporter
from grapy_cli.runtime.world import World

REFUSED = {
    **dict.fromkeys((".npy", ".npz", ".mat"), "arrays are not read"),
    **dict.fromkeys((".jpg", ".jpeg"), "JPEG changes ids"),
    **dict.fromkeys((".bmp", ".gif", ".tif", ".tiff", ".webp"), "only PNG is read"),
}
"""Why a mask of another format is not scored."""
WANTED = "save ids as an 8-bit grey or indexed PNG"


@dataclass(frozen=True)
class MaskFolders:
    """Masks and the label maps they are held to, matched by their relative paths.

    Args:
        pred: The masks.
        truth: The label maps.
        labels: What the label maps' ids mean.
        keys: Relative paths of the label maps that count, without their ending.
        split: Of which these are the list; None where they are all there are.
        table: For each id of the masks ours; empty where they are the same.
    """

    pred: Path
    truth: Path
    labels: LabelSet
    keys: Sequence[str]
    split: str | None = None
    table: Sequence[int] = ()

    @classmethod
    def open(
        cls, pred: Path, truth: Path, labels: LabelSet, split: str, table: Sequence[int] = ()
    ) -> "MaskFolders":
        """Find out what is to be scored.

        Args:
            pred: The masks.
            truth: A folder of label maps, all of which count, or that of a prepared data set.
            labels: What the label maps' ids mean.
            split: Whose label maps count where the truth is a prepared data set.
            table: See the class.

        Raises:
            DatasetError: If a folder is missing, or there is nothing to score.
        """
        for folder in (pred, truth):
            if not folder.is_dir():
                raise DatasetError(f"there is no folder {folder}")
        if (truth / CARD).is_file():
            dataset = PreparedDataset.open(truth)
            if dataset.label_set.digest != labels.digest:
                raise DatasetError(
                    f"{truth} is labelled by other parts than those of {labels.name}"
                )
            level = dataset.label_map("", Level.PART).parent
            return cls(pred, level, labels, dataset.keys(split), split, table)
        keys = _keys(truth)
        if not keys:
            raise DatasetError(f"{truth} holds no label maps (*.png)")
        return cls(pred, truth, labels, keys, None, table)

    def without_truth(self) -> int:
        """How many masks have no label map to be held to."""
        return len(set(_keys(self.pred)).difference(self.keys))

    def load(self, key: str) -> tuple[UInt8[np.ndarray, "h w"], UInt8[np.ndarray, "u v"]]:
        """Read a mask, its ids made ours, and its truth.

        Raises:
            DatasetError: If one of them cannot be read, or the mask has an id that means nothing.
        """
        truth = load_label_map(_path(self.truth, key))
        return self._renamed(self._load_mask(key), truth), truth

    def piece(self, key: str, place: int, truth: UInt8[np.ndarray, "h w"]) -> Piece:
        """What the evaluator wants to know of a mask."""
        files = [file_digest(_path(folder, key)) for folder in (self.pred, self.truth)]
        return Piece(self.labels.name, key, (0, place), truth, digest_of(*files, self.table))

    def _load_mask(self, key: str) -> UInt8[np.ndarray, "h w"]:
        path = _path(self.pred, key)
        if path.exists():
            try:
                return load_label_map(path)
            except DatasetError as error:
                raise DatasetError(f"{error}; {WANTED}") from error
        for suffix, why in REFUSED.items():
            if path.with_suffix(suffix).exists():
                raise DatasetError(f"the mask is a {suffix} file: {why}; {WANTED}")
        raise DatasetError(f"there is no mask {path}")

    def _renamed(
        self, mask: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "u v"]
    ) -> UInt8[np.ndarray, "h w"]:
        if not self.table:
            return mask
        seen = mask[truth != IGNORE] if mask.shape == truth.shape else mask
        if seen.size and seen.max() >= len(self.table):
            raise DatasetError(
                f"id {seen.max()} lies outside the {len(self.table)} labels of the masks' order"
            )
        lookup = np.full(256, IGNORE, np.uint8)
        lookup[: len(self.table)] = self.table
        return np.asarray(lookup[mask])


def score_masks(
    folders: MaskFolders,
    book: Evaluator,
    *,
    world: World,
    report: Reporter = lambda event: None,
) -> AllCounts:
    """Score all masks; a label map whose mask is missing or unfit is skipped with the reason."""
    keys = list(enumerate(folders.keys))[world.rank :: world.size]
    for done, (place, key) in enumerate(keys, 1):
        _score_mask(folders, book, key, place)
        report(Progressed("scoring masks", done, len(keys)))
    return book.share(world)


def _score_mask(folders: MaskFolders, book: Evaluator, key: str, place: int) -> None:
    try:
        mask, truth = folders.load(key)
    except DatasetError as error:
        book.skip(folders.labels.name, key, error.message)
        return
    piece = folders.piece(key, place, truth)
    for case in book.cases:
        if not book.recall(case, piece):
            book.add(case, piece, mask)


def _keys(folder: Path) -> list[str]:
    found: Iterator[Path] = folder.rglob("*.png")
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in found)


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.png"
