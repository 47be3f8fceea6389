"""Where counted photos go: into tallies, and into the ledger where there is one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from grapy_cli.evaluate.ledger import Ledger, photo_score
from grapy_cli.evaluate.records import Case
from grapy_cli.evaluate.tally import Tally, count_photo
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.world import World

Tallies = dict[tuple[Case, str], Tally]
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


class Scorebook:
    """Counts photos for several cases and data sets.

    Args:
        cases: Who is scored and how, each with a digest of all that its counts depend on but the
            photo's own files.
        label_sets: By data set.
        ledger: What earlier runs have left, and where to write; None keeps nothing.
    """

    def __init__(
        self,
        cases: Mapping[Case, str],
        label_sets: Mapping[str, LabelSet],
        ledger: Ledger | None = None,
    ) -> None:
        self.cases = tuple(cases)
        self.tallies: Tallies = {
            (case, name): Tally(labels) for case in cases for name, labels in label_sets.items()
        }
        self._digests = dict(cases)
        self._ledger = ledger

    def recall(self, case: Case, piece: Piece) -> bool:
        """Take a photo over from an earlier run; False where none has scored it."""
        if self._ledger is None:
            return False
        photo = self._ledger.recall(self._identity(case, piece), self._order(case, piece))
        if photo is None:
            return False
        self.tallies[case, piece.dataset].add(piece.key, photo)
        return True

    def add(
        self,
        case: Case,
        piece: Piece,
        label_map: UInt8[np.ndarray, "h w"],
        confidence: Float32[np.ndarray, "h w"] | None = None,
    ) -> None:
        """Count a photo, or note why it cannot be counted."""
        tally = self.tallies[case, piece.dataset]
        labels, key = tally.label_set, piece.key
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
            tally.skip(key, str(error))
            return
        tally.add(key, photo)
        if self._ledger is not None:
            score = photo_score(case, piece.dataset, key, photo, labels.names)
            identity, order = self._identity(case, piece), self._order(case, piece)
            self._ledger.add(score, photo, identity=identity, order=order)

    def skip(self, dataset: str, key: str, reason: str, cases: Sequence[Case] = ()) -> None:
        """Note a photo that is left out of some cases; of all unless said."""
        for case in cases or self.cases:
            self.tallies[case, dataset].skip(key, reason)

    def share(self, world: World) -> Tallies:
        """Add up what all processes have counted; each gets the whole."""
        for tally in self.tallies.values():
            for array in tally.arrays():
                array[...] = world.sum(torch.from_numpy(array)).numpy()
            tally.photos = int(world.sum(torch.tensor(tally.photos)).item())
            tally.skipped = sorted(world.gather(tally.skipped), key=itemgetter("photo"))
        return self.tallies

    def _identity(self, case: Case, piece: Piece) -> str:
        labels = self.tallies[case, piece.dataset].label_set.digest
        return digest_of(self._digests[case], labels, case, piece.dataset, piece.key, piece.content)

    def _order(self, case: Case, piece: Piece) -> tuple[int, ...]:
        return (self.cases.index(case), *piece.order)


def digest_of(*facts: object) -> str:
    """32 hex digits that change with any of the facts."""
    return hashlib.sha256(repr(facts).encode(errors="surrogateescape")).hexdigest()[:32]
