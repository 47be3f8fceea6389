"""The label set of a published network, from nothing but the names of its labels.

Names that are the order of a known data set or tool get that label set, and with it the tables that
lead to others. Other names are grouped by the words in them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grapy_cli.errors import DatasetError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.label_set import (
    ARMS,
    BACKGROUND,
    HEAD,
    LEGS,
    TORSO,
    Category,
    Color,
    LabelSet,
    Part,
)
from grapy_cli.labels.orders import ORDERS, LabelOrder

Translations = Mapping[str, tuple[int, ...]]
"""By label set: for each label of the network the id there, IGNORE where there is none."""

# fmt: off
_WORDS: Mapping[Category, str] = {
    HEAD:  "hat cap helmet headwear headband hood hair face head skin glasses sunglasses "
           "eyeglasses eyewear mask eye brow eyebrow nose mouth lip teeth tongue beard ear earring",
    TORSO: "torso body upper-body upper-clothe clothe clothing cloth upper-clothing apparel top "
           "shirt t-shirt blouse sweater upper coat jacket outer vest dress skirt jumpsuit romper "
           "suit bra scarf tie collar neck necklace neckwear belt waist bag handbag backpack purse "
           "wallet chest back belly hip jewelry accessory",
    ARMS:  "arm hand forearm elbow wrist finger sleeve glove watch bracelet ring",
    LEGS:  "leg lower lower-body lower-clothe lower-clothing bottom thigh knee calf ankle foot "
           "feet toe shoe footwear boot sandal heel sock stocking tight legging pant trouser jean "
           "short",
}
# fmt: on
_CATEGORY_OF = {
    word.rstrip("s"): category for category, words in _WORDS.items() for word in words.split()
}
_BACKGROUND = frozenset({"background", "bg", "unlabeled", "unlabelled", "void", "none", "other"})
_SIDES = (("left", "right"), ("l", "r"))


@dataclass(frozen=True)
class PublishedLabels:
    """What the names of a network's labels mean."""

    label_set: LabelSet
    unknown: tuple[str, ...]
    """Parts whose group no word tells; they count as torso."""


def labels_of_names(names: Sequence[str], name: str) -> PublishedLabels:
    """Return the label set that names mean, in the order of their ids.

    Args:
        names: As the network's maker wrote them: "Upper-clothes", "leftArm", "Left_Foot".
        name: For the label set, where the names are those of no known one.

    Raises:
        DatasetError: If the first name is not the background, or names are unusable.
    """
    plain = tuple(map(plain_name, names))
    if not plain or plain[0] not in _BACKGROUND:
        first = repr(names[0]) if names else "(none)"
        raise DatasetError(f"the first label is {first}; a human parser has the background there")
    known = [one for one in LABEL_SETS.values() if _keys(one.names) == _keys(plain)]
    orders = [] if known else _orders_of(plain)
    if orders:
        name, plain = orders[0].name, orders[0].names
    label_set = known[0] if known else _built(plain, name)
    unknown = () if known else tuple(one for one in plain[1:] if category_of(one) is None)
    return PublishedLabels(label_set, unknown)


def translations_of(label_set: LabelSet) -> Translations:
    """Return the tables that lead from a label set to those that ship, by their names."""
    return {
        target: order.translation(LABEL_SETS[target])
        for order in _orders_of(label_set.names)
        for target in order.reads
        if target != label_set.name
    }


def _orders_of(names: Sequence[str]) -> list[LabelOrder]:
    return [order for order in ORDERS.values() if _keys(order.names) == _keys(names)]


def plain_name(name: str) -> str:
    """Write a label as our label sets do: "leftArm" and "Left_Arm" are left-arm."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")


def category_of(name: str) -> Category | None:
    """Return the group of a part: that of its name, or of the first word in it that has one."""
    words = (word for word in name.split("-") if word not in ("upper", "lower"))
    found = (_CATEGORY_OF.get(word.rstrip("s")) for word in (name, *words))
    return next((category for category in found if category is not None), None)


def _built(names: Sequence[str], name: str) -> LabelSet:
    """Build a label set from plain names; parts whose group is unknown count as torso."""
    parts = [Part("background", BACKGROUND, (0, 0, 0))]
    for index, one in enumerate(names[1:], start=1):
        parts.append(Part(one, category_of(one) or TORSO, _color(index), _mirror(one, names)))
    return LabelSet(name, name, "labels of a published network", tuple(parts))


def _mirror(name: str, names: Sequence[str]) -> str | None:
    """The same part of the other side, where the names have it."""
    words = name.split("-")
    for pair in _SIDES:
        for side, other in (pair, pair[::-1]):
            if side in words:
                partner = "-".join(other if word == side else word for word in words)
                return partner if partner in names else None
    return None


def _color(index: int) -> Color:
    """PASCAL VOC's color of an id: its bits spread over the three channels, from the top."""
    bits = [(index >> shift & 1, shift % 3, 7 - shift // 3) for shift in range(9)]
    red, green, blue = (
        sum(bit << place for bit, of, place in bits if of == channel) for channel in range(3)
    )
    return red, green, blue


def _keys(names: Sequence[str]) -> tuple[str, ...]:
    """Names without what makers write differently: hyphens, and the plural."""
    return tuple(name.replace("-", "").rstrip("s") for name in names)
