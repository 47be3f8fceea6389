"""Score masks that any tool wrote."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from grapy_cli.atomic import file_digest
from grapy_cli.data.layout import CARD, PreparedDataset
from grapy_cli.errors import DatasetError
from grapy_cli.evaluate.evaluator import AllCounts, Evaluator, Piece, digest_of
from grapy_cli.image_io.formats import LABEL_ADVICE, LABEL_SUFFIXES, NO_LABELS
from grapy_cli.image_io.label_import import ImportedLabels, Remark, import_labels
from grapy_cli.image_io.label_maps import load_label_map, look_up
from grapy_cli.image_io.names import Index, index_names, match_affixes
from grapy_cli.labels import IGNORE, LabelSet, Level
from grapy_cli.runtime.reporting import Progressed, Reporter, Warned
from grapy_cli.runtime.world import World


@dataclass(frozen=True)
class MaskFolders:
    """Masks and their truths, matched by their relative paths.

    Args:
        keys: Relative paths of the label maps that count, without their suffix.
        split: Whose list the keys are; None for all label maps of a folder.
        table: Our id for each id of the masks; empty where they are the same.
        masks: Files of the masks by key.
        truths: Files of the label maps by key; empty where a prepared data set has them.
        refused: Files among the masks whose format is not read, by key.
    """

    pred: Path
    truth: Path
    labels: LabelSet
    keys: Sequence[str]
    split: str | None
    table: Sequence[int]
    masks: Index
    truths: Index
    refused: Mapping[str, str]

    @classmethod
    def open(
        cls, pred: Path, truth: Path, labels: LabelSet, split: str, table: Sequence[int] = ()
    ) -> "MaskFolders":
        """Match the masks with the label maps.

        Args:
            truth: A folder of label maps, all of which count, or that of a prepared data set.
            split: Whose label maps count where the truth is a prepared data set.

        Raises:
            DatasetError: If a folder is missing, or there is nothing to score.
        """
        for folder in (pred, truth):
            if not folder.is_dir():
                raise DatasetError(f"there is no folder {folder}")
        names = _names_below(pred)
        masks, refused = index_names(names, LABEL_SUFFIXES), index_names(names, NO_LABELS).names
        if (truth / CARD).is_file():
            dataset = PreparedDataset.open(truth)
            if dataset.label_set.digest != labels.digest:
                raise DatasetError(f"{truth} is labeled by other parts than those of {labels.name}")
            level, keys = dataset.label_map("", Level.PART).parent, dataset.keys(split)
            masks = _matched(dict.fromkeys(keys, ""), masks)
            return cls(pred, level, labels, keys, split, table, masks, Index({}, {}), refused)
        truths = index_names(_names_below(truth), LABEL_SUFFIXES)
        if not truths.names:
            kinds = ", ".join(sorted(LABEL_SUFFIXES))
            raise DatasetError(f"{truth} holds no label maps ({kinds})", hint=LABEL_ADVICE)
        masks = _matched(truths.names, masks)
        return cls(pred, truth, labels, sorted(truths.names), None, table, masks, truths, refused)

    def without_truth(self) -> int:
        """Count the masks that have no label map."""
        return len(set(self.masks.names).difference(self.keys))

    def load(
        self, key: str
    ) -> tuple[UInt8[np.ndarray, "h w"], UInt8[np.ndarray, "u v"], tuple[Remark, ...]]:
        """Read a mask and its truth; return both with the choices that were made for it.

        The mask gets the ids of our label set.

        Raises:
            DatasetError: If one of them cannot be read, or the mask has an unknown id.
        """
        truth = self._load_truth(key)
        mask = self._load_mask(key)
        renamed = self._renamed(mask.ids, truth.ids)
        return renamed, truth.ids, (*truth.remarks, *mask.remarks)

    def piece(self, key: str, place: int, truth: UInt8[np.ndarray, "h w"]) -> Piece:
        """Return a mask as the evaluator takes it."""
        files = [file_digest(self._truth_path(key)), file_digest(self._mask_path(key))]
        colors = sorted(self.labels.ids_by_color.items())
        digest = digest_of(*files, self.table, colors)
        return Piece(self.labels.name, key, (0, place), truth, digest)

    def _truth_path(self, key: str) -> Path:
        return self.truth / self.truths.names.get(key, f"{key}.png")

    def _mask_path(self, key: str) -> Path:
        return self.pred / self.masks.names.get(key, f"{key}.png")

    def _load_truth(self, key: str) -> ImportedLabels:
        if not self.truths.names:
            return ImportedLabels(load_label_map(self._truth_path(key)))
        return self._import(self._truth_path(key), self.truths.rivals.get(key, ()))

    def _load_mask(self, key: str) -> ImportedLabels:
        if key in self.masks.names:
            return self._import(self._mask_path(key), self.masks.rivals.get(key, ()))
        if key in self.refused:
            name = self.refused[key]
            why = NO_LABELS[Path(name).suffix.lower()]
            raise DatasetError(f"the mask is {name}: {why}; {LABEL_ADVICE}")
        raise DatasetError(f"there is no mask {self._mask_path(key)}")

    def _import(self, path: Path, rivals: Sequence[str]) -> ImportedLabels:
        if rivals:
            raise DatasetError(f"{' and '.join(rivals)} have one name: keep one of them")
        colors = {} if self.table else self.labels.ids_by_color
        try:
            return import_labels(path.read_bytes(), colors, num_parts=self.labels.num_parts)
        except (OSError, DatasetError) as error:
            raise DatasetError(f"{path}: {error}; {LABEL_ADVICE}") from error

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
        return look_up(mask, self.table)


def score_masks(
    folders: MaskFolders,
    evaluator: Evaluator,
    *,
    world: World,
    report: Reporter,
) -> AllCounts:
    """Score all masks; a label map whose mask is missing or unfit is skipped with the reason."""
    keys = list(enumerate(folders.keys))[world.rank :: world.size]
    remarks: Counter[Remark] = Counter()
    for done, (place, key) in enumerate(keys, 1):
        remarks.update(_score_mask(folders, evaluator, key, place))
        report(Progressed("scoring masks", done, len(keys)))
    for remark, count in remarks.items():
        report(Warned(f"{folders.labels.name}: {remark.reason} (files: {count})"))
    return evaluator.share(world)


def _score_mask(
    folders: MaskFolders, evaluator: Evaluator, key: str, place: int
) -> tuple[Remark, ...]:
    """Score one mask, and return the choices that were made while it was read."""
    try:
        mask, truth, remarks = folders.load(key)
    except DatasetError as error:
        evaluator.skip(folders.labels.name, key, error.message)
        return ()
    piece = folders.piece(key, place, truth)
    for case in evaluator.cases:
        known = evaluator.recall(case, piece)
        counts = known or evaluator.count(case, piece, mask)
        evaluator.add(case, piece, counts, is_new=known is None)
    return remarks


def _names_below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _matched(truths: Mapping[str, str], masks: Index) -> Index:
    """Give masks that are named like `a_mask` the key of their label map."""
    aliases = {mask: truth for truth, mask in match_affixes(truths, masks.names).items()}
    names = {aliases.get(key, key): name for key, name in masks.names.items()}
    return Index(names, masks.rivals)
