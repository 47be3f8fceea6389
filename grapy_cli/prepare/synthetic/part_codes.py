"""Codes of what is worn where, and the part of each label set for each code."""

from collections.abc import Mapping
from itertools import product

import numpy as np
from jaxtyping import UInt8

from grapy_cli.labels import LabelSet

PLACES = (
    *("head", "torso"),
    *(f"{side}-{limb}" for side in ("left", "right") for limb in (
        "upper-arm", "lower-arm", "upper-leg", "lower-leg")),
)  # fmt: skip
"""A place on a body."""

# fmt: off
#                  cihp              atr               pascal
WORN: Mapping[str, tuple[str, str, str]] = {
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
}
"""The part of each thing; {side}, {skin} and {place} depend on the place."""
# fmt: on

_COLUMNS = ("cihp", "atr", "pascal")
_CODES = {pair: code for code, pair in enumerate(product(WORN, PLACES), start=1)}


def code_of(worn: str, place: str) -> int:
    """Return the code of something worn at a place; 0 means no person."""
    return _CODES[worn, place]


def codes_to_ids(labels: LabelSet, column: str) -> UInt8[np.ndarray, "256"]:
    """Return the lookup from codes to part ids, for a label set with the parts of a column."""
    table = np.zeros(256, np.uint8)
    for (worn, place), code in _CODES.items():
        name = WORN[worn][_COLUMNS.index(column)]
        plain = place.removeprefix("left-").removeprefix("right-")
        filled = name.format(side=_side(place), skin=_skin(place, column), place=plain)
        # The table also has pairs without meaning, such as a mitten on the head.
        table[code] = labels.names.index(filled) if filled in labels.names else 0
    return table


def _side(place: str) -> str:
    return place.partition("-")[0]


def _skin(place: str, column: str) -> str:
    if place == "head":
        return "face"
    if place == "torso":  # ATR has no part for the skin of neck and chest
        return "torso-skin" if column == "cihp" else "face"
    return f"{_side(place)}-{place.rpartition('-')[2]}"
