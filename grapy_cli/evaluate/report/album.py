"""Collect the pictures of the chosen photos of one result; each photo is read once."""

from collections import defaultdict
from typing import NamedTuple

from grapy_cli.evaluate.records import Look, PhotoScore
from grapy_cli.evaluate.report.choose import Chosen
from grapy_cli.evaluate.report.error_maps import Layers, cutout, layers_of
from grapy_cli.labels import LabelSet


class Album(NamedTuple):
    """The photos of a section, in the order of the page."""

    worst: list[tuple[PhotoScore, Layers]]
    best: list[tuple[PhotoScore, Layers]]
    """Without photos that are among the worst: of a few photos all can be."""
    cutouts: dict[str, list[tuple[PhotoScore, str]]]
    """By part: the photos where it is worst, each with the URL of a picture of the part."""


def fill_album(chosen: Chosen, labels: LabelSet, look: Look) -> Album:
    """Read the chosen photos and make small pictures of them; only the small ones are kept."""
    worst = chosen.worst.rows()
    best = [row for row in chosen.best.rows() if row not in worst]
    shown = [name for name in labels.names[1:] if name in chosen.parts]  # no background
    of_parts = {name: chosen.parts[name].rows() for name in shown}
    wanted: dict[str, list[str]] = defaultdict(list)
    for name, rows in of_parts.items():
        for row in rows:
            wanted[row.photo].append(name)
    every = {row.photo: row for rows in (worst, best, *of_parts.values()) for row in rows}
    whole = {row.photo for row in (*worst, *best)}
    pictures: dict[str, Layers] = {}
    cut: dict[tuple[str, str], str] = {}
    for photo, row in every.items():
        seen = look(row)
        if photo in whole:
            pictures[photo] = layers_of(seen, labels)
        for name in wanted[photo]:
            cut[name, photo] = cutout(seen, labels.names.index(name))
    return Album(
        [(row, pictures[row.photo]) for row in worst],
        [(row, pictures[row.photo]) for row in best],
        {name: [(row, cut[name, row.photo]) for row in rows] for name, rows in of_parts.items()},
    )
