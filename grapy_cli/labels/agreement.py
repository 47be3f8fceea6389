"""Which parts of two label sets can be true of the same pixel.

Names and groups decide most cases. A table has the others: PASCAL labels the body under its
clothes, CIHP and ATR label the clothes, and each set lacks some parts.
"""

from itertools import product

from grapy_cli.labels.label_set import LabelSet, Part

_ARMS = ("upper-arm", "lower-arm")
_LEGS = ("upper-leg", "lower-leg")
_TOPS = ("upper-clothes", "coat", "dress", "jumpsuits", "scarf")

_ALSO: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (_TOPS, _ARMS, "sleeves, and clothes that hang over them"),
    ((*_TOPS, "skirt"), _LEGS, "clothes that reach below the hips"),
    (("jumpsuits",), ("pants",), "a set without jumpsuits splits them at the waist"),
    (("pants", "belt"), ("torso",), "the hips, and waists worn high"),
    (("belt",), ("pants", "upper-leg"), "a set without belts labels them as trousers"),
    (("scarf",), ("head",), "worn over the chin or the hair"),
    (("torso-skin",), ("head", "face"), "the neck is face in one set and body in another"),
    (("face", "hair"), ("torso",), "the neck, and hair that falls over the chest"),
    (("torso-skin",), ("background",), "ATR has no part for bare chests and backs"),
    (
        ("bag",),
        ("background", "pants", *_ARMS, *_LEGS),
        "carried: the set may label what is behind it, or nothing",
    ),
    (("glove",), ("background",), "ATR has no part for gloves"),
)
"""Parts that can be true together although their groups differ, with the reason."""


def together(one: LabelSet, other: LabelSet) -> tuple[tuple[bool, ...], ...]:
    """Say for each part of one set which parts of another can be true of the same pixel.

    Parts that both sets have match only the part of the same name. If the other set lacks one of
    two parts, they match if they are of one group or in the table above.

    Returns:
        A row for each part of `one`, with an entry for each part of `other`.
    """
    return tuple(
        tuple(_agree(own, their, one, other) for their in other.parts) for own in one.parts
    )


def _agree(own: Part, their: Part, one: LabelSet, other: LabelSet) -> bool:
    if own.name in other.names and their.name in one.names:
        return own.name == their.name
    if own.category == their.category:
        return True
    return (own.name, their.name) in _PAIRS and not (
        _is_covered(own, one, their) or _is_covered(their, other, own)
    )


def _is_covered(background: Part, labels: LabelSet, part: Part) -> bool:
    """Tell whether a set that labels whole bodies would not label a part as background."""
    labels_bodies = "torso" in labels.names
    return background.name == "background" and labels_bodies and part.name != "bag"


def _both_ways() -> frozenset[tuple[str, str]]:
    pairs = {pair for some, others, _ in _ALSO for pair in product(some, others)}
    return frozenset(pairs | {(their, own) for own, their in pairs})


_PAIRS = _both_ways()
