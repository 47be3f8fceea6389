"""The label orders of other tools, and how ids change between them and our label sets.

A part keeps its name; a table says only where the names differ. A part that the other side lacks
becomes background: a score counts it as missed, and a mask does not show it as another part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grapy_cli.errors import DatasetError
from grapy_cli.labels.atr import ATR
from grapy_cli.labels.label_set import IGNORE, LabelSet
from grapy_cli.labels.lip import LIP
from grapy_cli.labels.lookup import look_up
from grapy_cli.labels.pascal import PASCAL
from grapy_cli.safe_text import read_toml

Renames = Mapping[str, Mapping[str, str]]
"""By label set: the other name of each part whose name differs."""
NOTHING = "background"


@dataclass(frozen=True)
class LabelOrder:
    """The parts of another tool in the order of their ids.

    Args:
        name: What `--remap` calls it.
        names: Part names, background first.
        reads: Their names to ours, for scoring their masks by one of our label sets.
        writes: Our names to theirs, for giving them our masks.
    """

    name: str
    title: str
    names: tuple[str, ...]
    reads: Renames = field(default_factory=dict)
    writes: Renames = field(default_factory=dict)

    def read_table(self, labels: LabelSet) -> tuple[int, ...]:
        """Return our id for each of their ids.

        Raises:
            DatasetError: If there is no table for this label set.
        """
        return tuple(0 if part == IGNORE else part for part in self.translation(labels))

    def translation(self, labels: LabelSet) -> tuple[int, ...]:
        """For each of their ids the id of our label set; IGNORE where it has no such part.

        Raises:
            DatasetError: If no table leads there.
        """
        return _table(self.names, labels.names, self._way(self.reads, labels, "scored by"), IGNORE)

    def write_table(self, labels: LabelSet) -> tuple[int, ...]:
        """Return their id for each of our ids.

        Raises:
            DatasetError: If there is no table for this label set.
        """
        return _table(labels.names, self.names, self._way(self.writes, labels, "written from"), 0)

    def palette(self, labels: LabelSet) -> list[int]:
        """Return 768 numbers for masks written from a label set: parts keep their colors."""
        flat = [127] * (3 * IGNORE) + [255] * 3
        ours = labels.palette()
        for our_id, their_id in reversed(list(enumerate(self.write_table(labels)))):
            flat[3 * their_id : 3 * their_id + 3] = ours[3 * our_id : 3 * our_id + 3]
        return flat

    def _way(self, ways: Renames, labels: LabelSet, what: str) -> Mapping[str, str]:
        if labels.name not in ways:
            known = ", ".join(ways) or "none"
            raise DatasetError(
                f"masks in the order {self.name} cannot be {what} {labels.name}",
                hint=f"There are tables for: {known}. A file for --remap can hold another.",
            )
        return ways[labels.name]


def _table(
    source: tuple[str, ...], target: tuple[str, ...], renames: Mapping[str, str], absent: int
) -> tuple[int, ...]:
    """The target's id of each name of the source; `absent` for names it does not have."""
    ids = {name: index for index, name in enumerate(target)}
    return tuple(ids.get(renames.get(name, name), absent) for name in source)


# PASCAL-Person-Part counts hands to the lower arms and feet to the lower legs.
_DENSEPOSE_PARTS = (
    ("background", "background"),
    *(("torso-back", "torso"), ("torso-front", "torso")),
    *(("right-hand", "lower-arm"), ("left-hand", "lower-arm")),
    *(("left-foot", "lower-leg"), ("right-foot", "lower-leg")),
    *(("right-upper-leg-back", "upper-leg"), ("left-upper-leg-back", "upper-leg")),
    *(("right-upper-leg-front", "upper-leg"), ("left-upper-leg-front", "upper-leg")),
    *(("right-lower-leg-back", "lower-leg"), ("left-lower-leg-back", "lower-leg")),
    *(("right-lower-leg-front", "lower-leg"), ("left-lower-leg-front", "lower-leg")),
    *(("left-upper-arm-inside", "upper-arm"), ("right-upper-arm-inside", "upper-arm")),
    *(("left-upper-arm-outside", "upper-arm"), ("right-upper-arm-outside", "upper-arm")),
    *(("left-lower-arm-inside", "lower-arm"), ("right-lower-arm-inside", "lower-arm")),
    *(("left-lower-arm-outside", "lower-arm"), ("right-lower-arm-outside", "lower-arm")),
    *(("right-head", "head"), ("left-head", "head")),
)

# The 13 labels of VITON-HD and HR-VITON, from CIHP's 20 as their preparation joins them.
_VITON = {
    "torso-skin": "background",
    "hat": "hair",
    "sunglasses": "face",
    **dict.fromkeys(("upper-clothes", "dress", "coat"), "upper"),
    **dict.fromkeys(("pants", "skirt"), "bottom"),
    **dict.fromkeys(("glove", "scarf"), "noise"),
}

# The labels of fashn-human-parser, as its documentation lists them.
FASHN = (
    *("background", "face", "hair", "top", "dress", "skirt", "pants", "belt", "bag", "hat"),
    *("scarf", "glasses", "arms", "hands", "legs", "feet", "torso", "jewelry"),
)
_FASHN = {"top": "upper-clothes", "glasses": "sunglasses"}

ORDERS: Mapping[str, LabelOrder] = {
    order.name: order
    for order in (
        LabelOrder(
            "lip",
            "Look Into Person, 20 labels, as SCHP's LIP model writes them",
            LIP.names,
            reads={
                "lip": {},
                "cihp": {"jumpsuits": "dress"},
                "atr": {"jumpsuits": "dress", "coat": "upper-clothes"},
            },
            writes={"lip": {}, "cihp": {}, "atr": {"belt": "pants"}},
        ),
        LabelOrder(
            "schp-atr",
            "SCHP's ATR model, 18 labels",
            ATR.names,
            reads={"atr": {}, "cihp": {"belt": "pants"}, "lip": {"belt": "pants"}},
            writes={"atr": {}},
        ),
        LabelOrder(
            "schp-pascal",
            "SCHP's PASCAL model, 7 labels",
            PASCAL.names,
            reads={"pascal": {}},
            writes={"pascal": {}},
        ),
        LabelOrder(
            "segformer-clothes",
            "segformer_b2_clothes and similar models, 18 labels in ATR's order",
            ATR.names,
            reads={"atr": {}, "cihp": {"belt": "pants"}, "lip": {"belt": "pants"}},
            writes={"atr": {}},
        ),
        LabelOrder(
            "fashn",
            "FASHN Human Parser, 18 labels; arms, hands, legs and feet without a side",
            FASHN,
            reads={
                "atr": _FASHN,
                "cihp": {**_FASHN, "belt": "pants", "torso": "torso-skin"},
                "lip": {**_FASHN, "belt": "pants"},
            },
        ),
        LabelOrder(
            "densepose",
            "DensePose, 24 parts of the body's surface",
            tuple(theirs for theirs, _ in _DENSEPOSE_PARTS),
            reads={"pascal": dict(_DENSEPOSE_PARTS)},
        ),
        LabelOrder(
            "viton-hd",
            "VITON-HD and HR-VITON, 13 labels for virtual try-on",
            (
                *("background", "hair", "face", "upper", "bottom", "left-arm", "right-arm"),
                *("left-leg", "right-leg", "left-shoe", "right-shoe", "socks", "noise"),
            ),
            writes={"cihp": _VITON},
        ),
    )
}


def label_order(name: str) -> LabelOrder:
    """Return a label order by its name, or read it from a file (`*.toml`).

    Such a file has `names`, a list in the order of the ids, and tables like `[reads.cihp]` and
    `[writes.cihp]` for the names that differ.

    Raises:
        DatasetError: If there is no order of that name, or the file cannot be used.
    """
    return look_up(name, ORDERS, _read_order, "label order")


def _read_order(path: Path) -> LabelOrder:
    try:
        table = read_toml(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"the label order {path} cannot be read: {error}") from error
    names = table.get("names")
    if not (isinstance(names, list) and 2 <= len(names) <= IGNORE and NOTHING in names):
        raise DatasetError(
            f"the label order {path} has no valid names",
            hint='names = ["background", "hat", ...] in the order of the ids, at most 255.',
        )
    if len(set(map(str, names))) != len(names):
        raise DatasetError(f"the label order {path} has a duplicate name")
    ways = {way: _renames(table, way, path) for way in ("reads", "writes")}
    return LabelOrder(path.stem, str(table.get("title", path.stem)), tuple(map(str, names)), **ways)


def _renames(table: Mapping[str, Any], way: str, path: Path) -> Renames:
    ways = table.get(way, {})
    if not isinstance(ways, Mapping) or not all(
        isinstance(renames, Mapping) for renames in ways.values()
    ):
        raise DatasetError(f"the label order {path}: {way} holds tables like [{way}.cihp]")
    return {
        labels: {str(name): str(meant) for name, meant in renames.items()}
        for labels, renames in ways.items()
    }
