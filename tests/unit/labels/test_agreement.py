import pytest

from grapy_cli.labels import LABEL_SETS, LabelSet
from grapy_cli.labels.agreement import together
from grapy_cli.labels.label_set import ARMS, BACKGROUND, HEAD, LEGS, Part

CIHP, ATR, PASCAL, LIP = (LABEL_SETS[name] for name in ("cihp", "atr", "pascal", "lip"))


def agree(one, part, other, their):
    return together(one, other)[one.names.index(part)][other.names.index(their)]


@pytest.mark.parametrize(
    ("one", "part", "other", "their", "expected"),
    [
        (ATR, "pants", CIHP, "pants", True),
        (ATR, "pants", PASCAL, "lower-leg", True),
        (ATR, "pants", CIHP, "left-arm", False),
        (ATR, "pants", CIHP, "skirt", False),
        (ATR, "left-leg", CIHP, "right-leg", False),
        (ATR, "upper-clothes", CIHP, "coat", True),
        (ATR, "upper-clothes", CIHP, "dress", False),
        (ATR, "upper-clothes", PASCAL, "upper-arm", True),
        (ATR, "left-leg", CIHP, "socks", True),
        (ATR, "bag", CIHP, "background", True),
        (ATR, "face", CIHP, "background", False),
        (ATR, "face", PASCAL, "torso", True),
        (CIHP, "hat", PASCAL, "lower-leg", False),
        (LIP, "jumpsuits", ATR, "dress", True),
        (LIP, "jumpsuits", CIHP, "pants", True),
        (LIP, "jumpsuits", PASCAL, "lower-leg", True),
        (LIP, "jumpsuits", ATR, "hair", False),
    ],
)
def test_what_can_be_true_of_one_pixel(one, part, other, their, expected):
    assert agree(one, part, other, their) is expected
    assert agree(other, their, one, part) is expected


def test_a_label_set_tells_its_own_story_alone():
    table = together(ATR, ATR)
    assert all(table[i][j] == (i == j) for i in range(18) for j in range(18))


def test_every_part_can_be_true_beside_some_part_of_every_other_set():
    for one in LABEL_SETS.values():
        for other in LABEL_SETS.values():
            assert all(any(row) for row in together(one, other))


def test_a_label_set_of_ones_own_agrees_by_its_names_and_groups():
    own = LabelSet(
        "own",
        "Own",
        "by hand",
        (
            Part("background", BACKGROUND, (0, 0, 0)),
            Part("hat", HEAD, (1, 0, 0)),
            Part("hand", ARMS, (2, 0, 0)),
            Part("tail", LEGS, (3, 0, 0)),
        ),
    )
    assert agree(own, "hat", ATR, "hat")
    assert agree(own, "hat", ATR, "hair")  # what has no word of its own goes with its group
    assert agree(own, "hand", ATR, "left-arm")
    assert not agree(own, "tail", ATR, "left-arm")
