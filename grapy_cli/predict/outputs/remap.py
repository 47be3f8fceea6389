"""How a parsing is written: at which level, which of its parts, and with which ids and colors."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.image_io import render
from grapy_cli.image_io.label_maps import count_ids, look_up
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import IGNORE, LabelSet, Level, Node
from grapy_cli.labels.orders import NOTHING, LabelOrder, label_order


@dataclass(frozen=True)
class View:
    """The id and color with which each part of a label set is written."""

    table: tuple[int, ...]
    """The written id of each part; 0, the background, for those that are left out."""
    nodes: tuple[Node, ...]
    """Name and color of each written id."""

    @cached_property
    def palette(self) -> list[int]:
        """The colors of an indexed PNG: ids without a name are gray, the ignore label is white."""
        flat = [channel for node in self.nodes for channel in node.color]
        return [*flat, *[127] * (3 * IGNORE - len(flat)), 255, 255, 255]

    def of(self, label_map: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
        """Return a label map of parts in the ids that are written."""
        is_same = self.table == tuple(range(len(self.table)))
        return label_map if is_same else look_up(label_map, self.table)


@dataclass(frozen=True)
class Layer:
    """One photo's parsing as it is written."""

    parsing: Parsing
    view: View
    parsings: Mapping[str, Parsing]
    """The photo's parsings by all label sets."""
    alpha: float = 0.6
    """How much of the colors an overlay shows, in [0, 1]."""

    @cached_property
    def label_map(self) -> UInt8[np.ndarray, "h w"]:
        """The part of each pixel, in the ids of the view."""
        return self.view.of(self.parsing.label_map)

    @cached_property
    def present(self) -> list[tuple[int, Node]]:
        """The ids that the photo shows, without the background, with names and colors."""
        counts = count_ids(self.label_map)
        return [(i, node) for i, node in enumerate(self.view.nodes) if i and counts[i]]

    def color(self) -> Image.Image:
        """The parts as flat colors, RGB."""
        return render.color_mask(self.label_map, self.view.nodes)

    def overlay(self, *, legend: bool = True) -> Image.Image:
        """The photo with the colors of its parts over it, and a legend."""
        photo, nodes = self.parsing.photo, self.view.nodes
        return render.overlay(photo, self.label_map, nodes, self.alpha, legend=legend)

    def contours(self) -> Image.Image:
        """The photo with the outline of each part."""
        return render.contours(self.parsing.photo, self.label_map, self.view.nodes)


def plan_views(
    label_sets: Sequence[LabelSet], levels: Sequence[int], only: Sequence[str], remap: str | None
) -> dict[tuple[str, int], View]:
    """Make the view of every label set (by its name) at every level.

    Args:
        only: Names of parts or groups; the others become background. Empty keeps all.
        remap: A label order of another tool, or a file that holds one.

    Raises:
        SettingsError: If a name of `only` is not a part, or another level than the parts' is to be
            written in the order of another tool.
        DatasetError: If there is no such order, or no table leads there from a label set.
    """
    _check_only(label_sets, only)
    order = label_order(remap) if remap else None
    if order is not None and set(levels) != {Level.PART}:
        raise SettingsError(
            f"level {min(levels)} cannot be written in the order {order.name}: it has parts alone",
            hint="--levels 3 --remap " + order.name,
        )
    wanted = {*levels, Level.PART}  # what knows no levels is of the parts
    return {
        (labels.name, int(level)): _view_of(labels, level, only, order)
        for labels in label_sets
        for level in wanted
    }


def _view_of(labels: LabelSet, level: int, only: Sequence[str], order: LabelOrder | None) -> View:
    table, nodes = labels.lift(level), labels.nodes(level)
    if order is not None:
        table, nodes = order.write_table(labels), _nodes_of(order, labels)
    kept = _kept(labels, only)
    return View(tuple(new if old in kept else 0 for old, new in enumerate(table)), nodes)


def _nodes_of(order: LabelOrder, labels: LabelSet) -> tuple[Node, ...]:
    if order.names[0] != NOTHING:
        raise DatasetError(f"the order {order.name} does not begin with {NOTHING}, as masks do")
    colors = np.reshape(order.palette(labels), (-1, 3)).tolist()
    return tuple(
        Node(name, (r, g, b)) for name, (r, g, b) in zip(order.names, colors, strict=False)
    )


def _kept(labels: LabelSet, only: Sequence[str]) -> set[int]:
    """Ids of the parts that are named, by their own names or by those of their groups."""
    if not only:
        return set(range(labels.num_parts))
    return {
        part for part, names in enumerate(_names_of(labels)) if part and not names.isdisjoint(only)
    }


def _names_of(labels: LabelSet) -> list[set[str]]:
    """For each part what it answers to: itself and what it belongs to at the coarser levels."""
    return [
        {labels.nodes(level)[labels.lift(level)[part]].name for level in Level}
        for part in range(labels.num_parts)
    ]


def _check_only(label_sets: Sequence[LabelSet], only: Sequence[str]) -> None:
    known = {
        labels.name: [name for names in _names_of(labels)[1:] for name in sorted(names)]
        for labels in label_sets
    }
    names = list(dict.fromkeys(name for of_one in known.values() for name in of_one))
    for name in only:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            raise SettingsError(
                f"--only: there is no part {name!r}",
                hint=f"Did you mean {close[0]}?" if close else f"There are {', '.join(names)}.",
            )
    for dataset, of_one in known.items():
        if only and not set(only) & set(of_one):
            raise SettingsError(
                f"--only: {dataset} has no part {' or '.join(only)}",
                hint=f"Leave out {dataset}, or add one of {', '.join(dict.fromkeys(of_one))}.",
            )
