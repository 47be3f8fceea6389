"""Choosing the few photos worth looking at while the rows of all of them go by."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from grapy_cli.evaluate.records import Case, PhotoScore

WORST, BEST, OF_PART = 8, 4, 3

Of = tuple[Case, str]
"""A case and the name of a data set."""


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


@dataclass(frozen=True)
class Chosen:
    """Rows of one case and data set."""

    worst: Fewest = field(default_factory=lambda: Fewest(WORST))
    """By mean IoU, the worst first."""
    best: Fewest = field(default_factory=lambda: Fewest(BEST))
    """Likewise, the best first."""
    parts: dict[str, Fewest] = field(default_factory=lambda: defaultdict(lambda: Fewest(OF_PART)))
    """By part: by its IoU, of the same IoU that with most wrong pixels."""


def choose_photos(rows: Iterable[PhotoScore]) -> Mapping[Of, Chosen]:
    """Find the worst and the best photos; the rows' order does not matter."""
    chosen: dict[Of, Chosen] = defaultdict(Chosen)
    for row in rows:
        few = chosen[row.case, row.dataset]
        if row.mean_iou is None:  # nothing of it is scored
            continue
        few.worst.offer((row.mean_iou, row.photo), row)
        few.best.offer((-row.mean_iou, row.photo), row)
        for name, iou in row.parts.items():
            if iou < 1:
                few.parts[name].offer((iou, -row.wrong.get(name, 0), row.photo), row)
    return chosen
