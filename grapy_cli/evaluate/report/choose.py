"""Choose the few photos worth looking at, in one pass over the scores of all photos."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from grapy_cli.evaluate.records import Case, PhotoScore

Of = tuple[Case, str]
"""A case, and the name of a data set."""


class Few(NamedTuple):
    """How many photos of each result the page shows."""

    worst: int
    best: int
    of_part: int

    @classmethod
    def of(cls, results: int) -> "Few":
        """Return numbers that keep the page small for any number of results."""
        return cls(*(min(most, max(1, 3 * most // max(1, results))) for most in (8, 4, 3)))


class Fewest:
    """Keep the few rows with the smallest ranks, in bounded memory."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[tuple[tuple[Any, ...], PhotoScore]] = []

    def offer(self, rank: tuple[Any, ...], row: PhotoScore) -> None:
        """Take a row if its rank is among the smallest; no two rows have the same rank."""
        insort(self._kept, (rank, row), key=itemgetter(0))
        del self._kept[self._size :]

    def rows(self) -> list[PhotoScore]:
        """Return the rows, the smallest rank first."""
        return [row for _, row in self._kept]


class Chosen:
    """Photos of one case and data set."""

    def __init__(self, few: Few) -> None:
        self.worst = Fewest(few.worst)
        """By mean IoU, the worst first."""
        self.best = Fewest(few.best)
        """By mean IoU, the best first."""
        self.parts: dict[str, Fewest] = defaultdict(lambda: Fewest(few.of_part))
        """By part: by its IoU, then by its number of wrong pixels, most first."""

    def offer(self, row: PhotoScore) -> None:
        """Keep a photo wherever it is among the few."""
        if row.mean_iou is None:  # no pixel is scored
            return
        self.worst.offer((row.mean_iou, row.photo), row)
        self.best.offer((-row.mean_iou, row.photo), row)
        for name, iou in row.parts.items():
            if iou < 1:
                self.parts[name].offer((iou, -row.wrong.get(name, 0), row.photo), row)


def choose_photos(rows: Iterable[PhotoScore], few: Few) -> defaultdict[Of, Chosen]:
    """Find the worst and best photos of each case and data set, in any order of the rows."""
    chosen: defaultdict[Of, Chosen] = defaultdict(lambda: Chosen(few))
    for row in rows:
        chosen[row.case, row.dataset].offer(row)
    return chosen
