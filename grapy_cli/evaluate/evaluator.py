"""Collect the counts of photos, and log them where there is a log."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from grapy_cli.evaluate.counts import DatasetCounts, PhotoCounts, count_photo
from grapy_cli.evaluate.finished import FinishedPhotos, photo_score
from grapy_cli.evaluate.records import Case
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.world import World

AllCounts = dict[tuple[Case, str], DatasetCounts]
"""By case and data set."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A photo as one data set lists it."""

    dataset: str
    key: str
    order: tuple[int, int]
    """Which data set, and which photo of its list."""
    truth: UInt8[np.ndarray, "h w"]
    content: str
    """Digest of the files that are scored: the truth, and the photo or the mask."""


class Evaluator:
    """Counts photos for several cases and data sets.

    Args:
        cases: Each with a digest of everything its counts depend on apart from the photo's files.
        finished: The log; None keeps nothing.
    """

    def __init__(
        self,
        cases: Mapping[Case, str],
        label_sets: Mapping[str, LabelSet],
        finished: FinishedPhotos | None = None,
    ) -> None:
        self.cases = tuple(cases)
        self.all_counts: AllCounts = {
            (case, name): DatasetCounts(labels)
            for case in cases
            for name, labels in label_sets.items()
        }
        self._digests = dict(cases)
        self._finished = finished

    def recall(self, case: Case, piece: Piece) -> PhotoCounts | None:
        """Return the counts of an earlier run; None where it has none. Threads may call it."""
        return self._finished.recall(self._identity(case, piece)) if self._finished else None

    def count(
        self,
        case: Case,
        piece: Piece,
        label_map: UInt8[np.ndarray, "h w"],
        confidence: Float32[np.ndarray, "h w"] | None = None,
    ) -> PhotoCounts | str:
        """Count a photo, without adding it up, or say why it cannot be. Threads may call it."""
        try:
            return count_photo(
                label_map,
                piece.truth,
                self.all_counts[case, piece.dataset].label_set,
                key=piece.key,
                protocol=case.protocol,
                confidence=confidence,
            )
        except ValueError as error:
            return str(error)

    def add(self, case: Case, piece: Piece, photo: PhotoCounts | str, *, is_new: bool) -> None:
        """Add the counts of a photo up, and log them if no earlier run did.

        Args:
            photo: Its counts, or why it is skipped.
        """
        if isinstance(photo, str):
            self.skip(piece.dataset, piece.key, photo, [case])
            return
        totals = self.all_counts[case, piece.dataset]
        totals.add(piece.key, photo)
        if self._finished is None:
            return
        identity, order = self._identity(case, piece), (self.cases.index(case), *piece.order)
        if is_new:
            names = totals.label_set.names
            score = photo_score(case, piece.dataset, piece.key, photo, names)
            self._finished.add(score, photo, identity=identity, order=order)
        else:
            self._finished.keep(identity, order)

    def skip(self, dataset: str, key: str, reason: str, cases: Sequence[Case] = ()) -> None:
        """Note a photo that is skipped in some cases; in all by default."""
        for case in cases or self.cases:
            self.all_counts[case, dataset].skipped.append({"photo": key, "reason": reason})

    def share(self, world: World) -> AllCounts:
        """Add up the counts of all processes; each gets the sum."""
        for totals in self.all_counts.values():
            for array in totals.arrays():
                array[...] = world.sum(torch.from_numpy(array)).numpy()
            totals.photos = int(world.sum(torch.tensor(totals.photos)).item())
            totals.skipped = sorted(world.gather(totals.skipped), key=itemgetter("photo"))
        return self.all_counts

    def _identity(self, case: Case, piece: Piece) -> str:
        labels = self.all_counts[case, piece.dataset].label_set.digest
        return digest_of(self._digests[case], labels, case, piece.dataset, piece.key, piece.content)


def digest_of(*facts: object) -> str:
    """Return 32 hex digits that change with any of the facts."""
    return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:32]
