"""What is worn where, and the part that each label set calls it."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import UInt8

from grapy_cli.labels import LabelSet

PLACES = (
    *("head", "torso"),
    *(f"{side}-{limb}" for side in ("left", "right") for limb in (
        "upper-arm", "lower-arm", "upper-leg", "lower-leg")),
)  # fmt: skip
"""Where on a body something is."""

# fmt: off
#                  cihp              atr               pascal
WORN: Mapping[str, tuple[str, str, str]] = MappingProxyType({
    "skin":       ("{skin}",         "{skin}",         "{place}"),
    "hair":       ("hair",           "hair",           "{place}"),
    "hat":        ("hat",            "hat",            "{place}"),
    "glasses":    ("sunglasses",     "sunglasses",     "{place}"),
    "top":        ("upper-clothes",  "upper-clothes",  "{place}"),
    "coat":       ("coat",           "upper-clothes",  "{place}"),
    "dress":      ("dress",          "dress",          "{place}"),
    "skirt":      ("skirt",          "skirt",          "{place}"),
    "pants":      ("pants",          "pants",          "{place}"),
    "belt":       ("upper-clothes",  "belt",           "{place}"),
    "scarf":      ("scarf",          "scarf",          "{place}"),
    "gloves":     ("glove",          "{side}-arm",     "{place}"),
    "socks":      ("socks",          "{side}-leg",     "{place}"),
    "shoes":      ("{side}-shoe",    "{side}-shoe",    "{place}"),
    "bag":        ("background",     "bag",            "background"),
})
"""Each thing's part; {side}, {skin} and {place} are filled in by where it is."""
# fmt: on

_COLUMNS = ("cihp", "atr", "pascal")
_CODES = {
    (worn, place): 1 + index
    for index, (worn, place) in enumerate((worn, place) for worn in WORN for place in PLACES)
}


def code_of(worn: str, place: str) -> int:
    """The number of something worn at a place; 0 is no person."""
    return _CODES[worn, place]


def codes_to_ids(labels: LabelSet, column: str) -> UInt8[np.ndarray, "256"]:
    """The lookup from codes to the part ids of a label set that has a column's parts."""
    table = np.zeros(256, np.uint8)
    for (worn, place), code in _CODES.items():
        name = WORN[worn][_COLUMNS.index(column)]
        filled = name.format(side=_side(place), skin=_skin(place, column), place=_plain(place))
        # A mitten on the head is in the table as well, and means nothing.
        table[code] = labels.names.index(filled) if filled in labels.names else 0
    return table


def _side(place: str) -> str:
    return place.partition("-")[0]


def _plain(place: str) -> str:
    return place.removeprefix("left-").removeprefix("right-")


def _skin(place: str, column: str) -> str:
    if place == "head":
        return "face"
    if place == "torso":  # ATR has no word for the skin of neck and chest
        return "torso-skin" if column == "cihp" else "face"
    return f"{_side(place)}-{place.rpartition('-')[2]}"
