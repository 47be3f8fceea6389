"""A label set: an ordered table of parts, from which levels, colors and mirrors follow."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.safe_text import is_name

LONGEST_NAME = 100
"""Most letters of a part's name, which becomes a part of file names."""

IGNORE = 255
"""The id in every label map that losses and scores leave out."""


class Category(IntEnum):
    """The five groups of level 2; the value is the node's index in the graph."""

    BACKGROUND = 0
    HEAD = 1
    TORSO = 2
    ARMS = 3
    LEGS = 4


BACKGROUND, HEAD, TORSO, ARMS, LEGS = Category


class Level(IntEnum):
    """The three levels of the graph pyramid."""

    HUMAN = 1
    CATEGORY = 2
    PART = 3


Color = tuple[int, int, int]


class Node(NamedTuple):
    """One entry of a level: its name and its color, RGB in [0, 255]."""

    name: str
    color: Color


# The coarse levels belong to no data set, so their colors are here.
HUMAN_NODES = (Node("background", (0, 0, 0)), Node("person", (220, 60, 60)))
CATEGORY_NODES = (
    Node("background", (0, 0, 0)),
    Node("head", (220, 60, 60)),
    Node("torso", (60, 170, 90)),
    Node("arms", (70, 130, 220)),
    Node("legs", (230, 170, 50)),
)


class Part(NamedTuple):
    """One label: its name, its level-2 group, its color, and the part it becomes by mirroring."""

    name: str
    category: Category
    color: Color
    mirror: str | None = None


@dataclass(frozen=True)
class LabelSet:
    """The ordered parts of one data set; a part's id is its position.

    Raises:
        DatasetError: If the name cannot be a folder's, or the table is invalid: fewer than two
            parts or more than 255, background not first, a name that cannot be a file's, duplicate
            names or colors, mirror partners that do not point at each other or differ in group.
    """

    name: str
    title: str
    source: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        faults = list(_faults(self.parts))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", self.name):
            # It names a folder, an option's value, and modules of the network.
            faults.insert(0, "a name may have only letters, digits, - and _, 64 at most")
        if faults:
            raise DatasetError(f"label set {self.name!r}: " + "; ".join(faults))

    @property
    def num_parts(self) -> int:
        """How many parts there are, background included."""
        return len(self.parts)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Part names in id order."""
        return tuple(part.name for part in self.parts)

    @cached_property
    def ids_by_color(self) -> dict[Color, int]:
        """The id of each part's color."""
        return {part.color: index for index, part in enumerate(self.parts)}

    @cached_property
    def mirror_ids(self) -> tuple[int, ...]:
        """For each id the id it becomes by mirroring the photo; an involution."""
        position = {name: index for index, name in enumerate(self.names)}
        return tuple(position[part.mirror or part.name] for part in self.parts)

    def nodes(self, level: int) -> tuple[Node, ...]:
        """Names and colors of a level's entries, in id order."""
        match _level_of(level):
            case Level.HUMAN:
                return HUMAN_NODES
            case Level.CATEGORY:
                return CATEGORY_NODES
            case Level.PART:
                return tuple(Node(part.name, part.color) for part in self.parts)

    def lift(self, level: int) -> tuple[int, ...]:
        """For each part id, the id of the node it belongs to at a level."""
        match _level_of(level):
            case Level.HUMAN:
                return tuple(int(part.category != BACKGROUND) for part in self.parts)
            case Level.CATEGORY:
                return tuple(int(part.category) for part in self.parts)
            case Level.PART:
                return tuple(range(self.num_parts))

    def palette(self, level: int = Level.PART) -> list[int]:
        """Return the colors of a level as the flat list of 768 numbers that an indexed PNG has.

        Ids without a part are gray, the ignore label is white: both are easy to see.
        """
        flat = [channel for node in self.nodes(level) for channel in node.color]
        flat += [127] * (3 * IGNORE - len(flat))
        return [*flat, 255, 255, 255]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain values, as in weights files and prepared data sets."""
        parts = [
            {
                "name": part.name,
                "category": part.category.name.lower(),
                "color": list(part.color),
                **({"mirror": part.mirror} if part.mirror else {}),
            }
            for part in self.parts
        ]
        return {"name": self.name, "title": self.title, "source": self.source, "parts": parts}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> "LabelSet":
        """Build a label set from plain values, as `to_dict` gives and a label file holds.

        Raises:
            DatasetError: If a key is missing or unknown, or the table is invalid.
        """
        try:
            name = str(table["name"])
            parts = tuple(map(_part, _rows(table["parts"])))
        except (KeyError, TypeError, ValueError) as error:
            reason = f"the key {error} is missing" if isinstance(error, KeyError) else error
            raise DatasetError(
                f"label set {table.get('name', '?')!r}: {reason}",
                hint="A label file has a name and [[parts]], each with name, category "
                "(background, head, torso, arms or legs), color [r, g, b] and, where it has "
                "a left and a right, mirror.",
            ) from error
        return cls(name, str(table.get("title", name)), str(table.get("source", "")), parts)

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits that change when ids, groups or mirror partners do.

        Titles and colors may change; weights stay valid.
        """
        rows = [(part.name, int(part.category), part.mirror) for part in self.parts]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:12]


def _level_of(level: int) -> Level:
    if level not in list(Level):
        raise SettingsError(f"level must be one of 3, 2, 1, not {level}")
    return Level(level)


def _rows(parts: object) -> list[Mapping[str, Any]]:
    if not (isinstance(parts, list | tuple) and all(isinstance(row, Mapping) for row in parts)):
        raise ValueError("parts is not a list of tables")
    return list(parts)


def _part(row: Mapping[str, Any]) -> Part:
    if unknown := set(row) - {"name", "category", "color", "mirror"}:
        raise ValueError(f"part {row.get('name', '?')!r} has the unknown key {min(unknown)!r}")
    category = str(row["category"])
    if category.upper() not in Category.__members__:
        raise ValueError(f"part {row['name']!r} has the unknown category {category!r}")
    color = tuple(row["color"])
    if len(color) != 3 or not all(isinstance(c, int) and 0 <= c <= 255 for c in color):
        raise ValueError(f"part {row['name']!r}: color {row['color']} is not [r, g, b] in 0-255")
    mirror = row.get("mirror")
    return Part(str(row["name"]), Category[category.upper()], color, mirror and str(mirror))


def _faults(parts: tuple[Part, ...]) -> Iterable[str]:
    if not 2 <= len(parts) <= IGNORE:
        yield f"{len(parts)} parts, but a label set has 2 to {IGNORE}"
        return
    if parts[0].category != BACKGROUND or any(p.category == BACKGROUND for p in parts[1:]):
        yield "the first part, and only the first, must be the background"
    for part in parts:
        if not is_name(part.name) or len(part.name) > LONGEST_NAME:
            yield f"{part.name[:LONGEST_NAME]!r} is not a valid part name"
    columns: dict[str, list[Any]] = {
        "name": [part.name for part in parts],
        "color": [part.color for part in parts],
    }
    for what, values in columns.items():
        if twice := {value for value in values if values.count(value) > 1}:
            yield f"the {what} {min(twice)!r} is there twice"
    by_name = {part.name: part for part in parts}
    for part in parts:
        if part.mirror is None:
            continue
        partner = by_name.get(part.mirror)
        if partner is None:
            yield f"{part.name!r} mirrors to {part.mirror!r}, which is not a part"
        elif partner.mirror != part.name:
            yield f"{part.name!r} mirrors to {part.mirror!r}, but the reverse is missing"
        elif partner.category != part.category:
            yield f"{part.name!r} and {part.mirror!r} mirror each other but differ in category"
