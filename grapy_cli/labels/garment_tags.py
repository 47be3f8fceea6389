"""Names of garments, and the parts that a garment of that name may be labeled as.

They serve photos whose garments are known, but not their pixels. Words are those of
Clothing Co-Parsing (Yang, Luo, Lin 2014) and other common ones; parts are those of CIHP, ATR and
LIP, and of any label set that has parts of these names.
"""

from collections.abc import Iterable, Mapping

from grapy_cli.labels.label_set import LabelSet

# One garment may have several parts, because annotators do not agree.
_TOP = ("upper-clothes",)
_OUTER = ("coat", "upper-clothes")
_ONE_PIECE = ("jumpsuits", "dress", "upper-clothes", "pants")
_TIGHT = ("pants", "socks")  # transparent ones are labeled leg, which is always allowed
_SHOES = ("left-shoe", "right-shoe")

# fmt: off
_WORDS: Mapping[tuple[str, ...], str] = {
    _TOP:                        "top shirt t-shirt tee blouse sweater sweatshirt hoodie pullover "
                                 "polo tunic tank-top camisole bra bustier corset",
    _OUTER:                      "coat jacket blazer cape cardigan parka raincoat trench poncho "
                                 "kimono vest waistcoat",
    ("upper-clothes", "scarf"):  "tie",
    ("dress",):                  "dress gown",
    ("skirt",):                  "skirt",
    ("pants",):                  "pants trousers jeans shorts chinos joggers",
    _TIGHT:                      "leggings tights stockings",
    ("socks",):                  "socks",
    _ONE_PIECE:                  "romper jumper jumpsuit playsuit overalls dungarees bodysuit "
                                 "swimsuit",
    (*_OUTER, "pants", "skirt"): "suit",
    _SHOES:                      "shoes boots heels sandals sneakers trainers flats pumps wedges "
                                 "loafers clogs slippers oxfords",
    ("hat",):                    "hat cap beanie beret helmet",
    ("sunglasses",):             "sunglasses glasses",
    ("scarf",):                  "scarf shawl",
    ("glove",):                  "gloves mittens",
    ("belt",):                   "belt",
    ("bag",):                    "bag purse wallet handbag clutch backpack",
    ():                          "null skin hair face accessories bracelet necklace earrings ring "
                                 "watch",
}
# fmt: on

GARMENTS: Mapping[str, tuple[str, ...]] = {
    word: parts for parts, words in _WORDS.items() for word in words.split()
}
"""Parts by word; words for unlabeled things, or for parts that are always allowed, have none."""

_NAMED = frozenset(part for parts in GARMENTS.values() for part in parts)


def allowed_parts(labels: LabelSet, words: Iterable[str] | None) -> tuple[bool, ...]:
    """Say for each part of a label set whether a photo with these garments may show it.

    Background, skin and hair are always allowed: they have no words. A part with words needs one of
    its words.

    Args:
        words: The garments on the photo, in lower case; unknown ones allow nothing. None if they
            are unknown, which allows everything.
    """
    if words is None:
        return (True,) * labels.num_parts
    worn = {part for word in words for part in GARMENTS.get(word, ())}
    return tuple(name not in _NAMED or name in worn for name in labels.names)
