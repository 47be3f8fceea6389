"""Which photos of a run to look at first."""

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]


def doubt_of(row: Row) -> float:
    """How likely a photo went wrong, in [0, 1], by its row of the manifest.

    Its `doubt` where there is one, else what its confidence, mean over label sets, lacks of 1.
    """
    doubt = row.get("doubt")
    if isinstance(doubt, int | float):
        return float(doubt)
    confidences = list(row["confidence"].values())
    return 1 - sum(confidences) / len(confidences)


def first_to_look_at(rows: Iterable[Row], most: int) -> list[Row]:
    """The rows of greatest doubt, no more than so many, in that order; ties as they come."""
    return heapq.nsmallest(most, rows, key=lambda row: -doubt_of(row))


def advice(rows: Iterable[Row], most: int) -> str:
    """Name the photos to look at first, with their doubt."""
    first = first_to_look_at(rows, most)
    return "look first at " + ", ".join(
        f"{row['source']} (doubt {doubt_of(row):.2f})" for row in first
    )
