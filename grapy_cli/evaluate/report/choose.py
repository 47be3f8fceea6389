"""Choosing the few photos worth looking at while the rows of all of them go by."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, NamedTuple

from grapy_cli.evaluate.records import Case, PhotoScore

Of = tuple[Case, str]
"""A case and the name of a data set."""


class Few(NamedTuple):
    """How many photos of each result are shown."""

    worst: int
    best: int
    of_part: int

    @classmethod
    def of(cls, results: int) -> "Few":
        """As many as keep the page small, however many results are on it."""
        return cls(*(min(most, max(1, 3 * most // max(1, results))) for most in (8, 4, 3)))


class Fewest:
    """Keeps the few rows with the smallest ranks, in memory that does not grow with the rows."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[tuple[tuple[Any, ...], PhotoScore]] = []

    def offer(self, rank: tuple[Any, ...], row: PhotoScore) -> None:
        """Take a row if it is among the smallest; its rank is unlike that of any other row."""
        insort(self._kept, (rank, row), key=itemgetter(0))
        del self._kept[self._size :]

    def rows(self) -> list[PhotoScore]:
        """The rows, the smallest rank first."""
        return [row for _, row in self._kept]


class Chosen:
    """Photos of one case and data set."""

    def __init__(self, few: Few) -> None:
        self.worst = Fewest(few.worst)
        """By mean IoU, the worst first."""
        self.best = Fewest(few.best)
        """Likewise, the best first."""
        self.parts: dict[str, Fewest] = defaultdict(lambda: Fewest(few.of_part))
        """By part: by its IoU, of the same IoU that with most wrong pixels."""

    def offer(self, row: PhotoScore) -> None:
        """Keep a photo where it is among the few."""
        if row.mean_iou is None:  # nothing of it is scored
            return
        self.worst.offer((row.mean_iou, row.photo), row)
        self.best.offer((-row.mean_iou, row.photo), row)
        for name, iou in row.parts.items():
            if iou < 1:
                self.parts[name].offer((iou, -row.wrong.get(name, 0), row.photo), row)


def choose_photos(rows: Iterable[PhotoScore], few: Few) -> defaultdict[Of, Chosen]:
    """Find the worst and the best photos of each case and data set, in whatever order rows come."""
    chosen: defaultdict[Of, Chosen] = defaultdict(lambda: Chosen(few))
    for row in rows:
        chosen[row.case, row.dataset].offer(row)
    return chosen
