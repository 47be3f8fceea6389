"""Which photos of a run to look at first."""

import heapq
from collections.abc import Iterable
from statistics import fmean

from grapy_cli.predict.outputs.kinds import Row


def doubt_of(row: Row) -> float:
    """How likely a photo went wrong, in [0, 1], by its row of the manifest.

    Its `doubt` where there is one, otherwise 1 minus its mean confidence over label sets.
    """
    if (doubt := row.get("doubt")) is not None:
        return float(doubt)
    return 1 - fmean(row["confidence"].values())


def first_to_look_at(rows: Iterable[Row], most: int) -> list[Row]:
    """Return the rows with the greatest doubt, in that order; ties keep their order."""
    return heapq.nsmallest(most, rows, key=lambda row: -doubt_of(row))


def advice(rows: Iterable[Row], most: int) -> str:
    """Name the photos to look at first, with their doubt."""
    first = first_to_look_at(rows, most)
    return "look first at " + ", ".join(
        f"{row['source']} (doubt {doubt_of(row):.2f})" for row in first
    )
