"""Where counted photos go: into counts, and into the file of finished photos where there is one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from grapy_cli.evaluate.counts import DatasetCounts, count_photo
from grapy_cli.evaluate.finished import FinishedPhotos, photo_score
from grapy_cli.evaluate.records import Case
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.world import World

AllCounts = dict[tuple[Case, str], DatasetCounts]
"""By case and data set."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A photo as one data set knows it."""

    dataset: str
    key: str
    order: tuple[int, int]
    """Which data set, and which photo of its list."""
    truth: UInt8[np.ndarray, "h w"]
    content: str
    """Digest of the files that are scored: the truth's, and the photo's or the mask's."""


class Evaluator:
    """Counts photos for several cases and data sets.

    Args:
        cases: Who is scored and how, each with a digest of all that its counts depend on but the
            photo's own files.
        label_sets: By data set.
        finished: What earlier runs have left, and where to write; None keeps nothing.
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

    def recall(self, case: Case, piece: Piece) -> bool:
        """Take a photo over from an earlier run; False where none has scored it."""
        if self._finished is None:
            return False
        photo = self._finished.recall(self._identity(case, piece), self._order(case, piece))
        if photo is None:
            return False
        self.all_counts[case, piece.dataset].add(piece.key, photo)
        return True

    def add(
        self,
        case: Case,
        piece: Piece,
        label_map: UInt8[np.ndarray, "h w"],
        confidence: Float32[np.ndarray, "h w"] | None = None,
    ) -> None:
        """Count a photo, or note why it cannot be counted."""
        totals = self.all_counts[case, piece.dataset]
        labels, key = totals.label_set, piece.key
        try:
            photo = count_photo(
                label_map,
                piece.truth,
                labels,
                key=key,
                protocol=case.protocol,
                confidence=confidence,
            )
        except ValueError as error:
            totals.skip(key, str(error))
            return
        totals.add(key, photo)
        if self._finished is not None:
            score = photo_score(case, piece.dataset, key, photo, labels.names)
            identity, order = self._identity(case, piece), self._order(case, piece)
            self._finished.add(score, photo, identity=identity, order=order)

    def skip(self, dataset: str, key: str, reason: str, cases: Sequence[Case] = ()) -> None:
        """Note a photo that is left out of some cases; of all unless said."""
        for case in cases or self.cases:
            self.all_counts[case, dataset].skip(key, reason)

    def share(self, world: World) -> AllCounts:
        """Add up what all processes have counted; each gets the whole."""
        for totals in self.all_counts.values():
            for array in totals.arrays():
                array[...] = world.sum(torch.from_numpy(array)).numpy()
            totals.photos = int(world.sum(torch.tensor(totals.photos)).item())
            totals.skipped = sorted(world.gather(totals.skipped), key=itemgetter("photo"))
        return self.all_counts

    def _identity(self, case: Case, piece: Piece) -> str:
        labels = self.all_counts[case, piece.dataset].label_set.digest
        return digest_of(self._digests[case], labels, case, piece.dataset, piece.key, piece.content)

    def _order(self, case: Case, piece: Piece) -> tuple[int, ...]:
        return (self.cases.index(case), *piece.order)


def digest_of(*facts: object) -> str:
    """32 hex digits that change with any of the facts."""
    return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:32]
