"""What the names of a published network's labels are understood to be."""

import pytest

from grapy_cli.errors import DatasetError
from grapy_cli.labels import IGNORE, LABEL_SETS, Category
from grapy_cli.labels.orders import ORDERS
from grapy_cli.labels.published_labels import (
    category_of,
    labels_of_names,
    plain_name,
    translations_of,
)

ATR, CIHP, LIP = (LABEL_SETS[name] for name in ("atr", "cihp", "lip"))
SEGFORMER_CLOTHES = [
    "Background",
    "Hat",
    "Hair",
    "Sunglasses",
    "Upper-clothes",
    "Skirt",
    "Pants",
    "Dress",
    "Belt",
    "Left-shoe",
    "Right-shoe",
    "Face",
    "Left-leg",
    "Right-leg",
    "Left-arm",
    "Right-arm",
    "Bag",
    "Scarf",
]
LIP_ELSEWHERE = [
    "__background__",
    "hat",
    "hair",
    "glove",
    "sunglasses",
    "upperclothes",
    "dress",
    "coat",
    "socks",
    "pants",
    "jumpsuits",
    "scarf",
    "skirt",
    "face",
    "leftArm",
    "rightArm",
    "leftLeg",
    "rightLeg",
    "leftShoe",
    "rightShoe",
]
GOLIATH = [
    "Background",
    "Apparel",
    "Face_Neck",
    "Hair",
    "Left_Foot",
    "Left_Hand",
    "Left_Lower_Arm",
    "Left_Lower_Leg",
    "Lower_Clothing",
    "Right_Foot",
    "Right_Hand",
    "Right_Lower_Arm",
    "Right_Lower_Leg",
    "Torso",
    "Lower_Lip",
]


@pytest.mark.parametrize(
    ("names", "label_set"),
    [
        (SEGFORMER_CLOTHES, ATR),
        (LIP_ELSEWHERE, LIP),
        (CIHP.names, CIHP),
        (["Background", "Head", "Torso", "Upper_Arms", "Lower_Arms", "Upper_Legs", "Lower_Legs"],
         LABEL_SETS["pascal"]),
    ],
)  # fmt: skip
def test_known_names_are_the_label_set_that_ships(names, label_set):
    understood = labels_of_names(names, "mine")
    assert understood.label_set is label_set
    assert understood.unknown == ()


def test_a_known_order_leads_to_other_label_sets():
    table = translations_of(LIP)["atr"]
    assert table[LIP.names.index("coat")] == ATR.names.index("upper-clothes")
    assert table[LIP.names.index("left-arm")] == ATR.names.index("left-arm")
    assert table[LIP.names.index("glove")] == IGNORE
    assert translations_of(CIHP) == {}


def test_fashn_has_groups_and_tables():
    understood = labels_of_names([name.title() for name in ORDERS["fashn"].names], "mine")
    assert understood.label_set.name == "fashn"
    assert set(translations_of(understood.label_set)) == {"atr", "cihp", "lip"}
    groups = dict(zip(understood.label_set.names, understood.label_set.lift(2), strict=True))
    assert groups["glasses"] == Category.HEAD
    assert groups["hands"] == Category.ARMS
    assert groups["feet"] == Category.LEGS
    assert groups["jewelry"] == Category.TORSO
    assert understood.unknown == ()


def test_other_names_are_grouped_by_their_words_and_mirrored_by_their_sides():
    understood = labels_of_names(GOLIATH, "goliath")
    labels = understood.label_set
    assert labels.name == "goliath"
    found = {part.name: (part.category, part.mirror) for part in labels.parts}
    assert found["face-neck"] == (Category.HEAD, None)
    assert found["left-lower-arm"] == (Category.ARMS, "right-lower-arm")
    assert found["lower-clothing"] == (Category.LEGS, None)
    assert found["lower-lip"] == (Category.HEAD, None)
    assert translations_of(labels) == {}


def test_what_no_word_tells_is_named():
    assert labels_of_names(["background", "wing", "left-hand"], "x").unknown == ("wing",)


@pytest.mark.parametrize("names", [[], ["wall", "floor"], ["background", "hat", "hat"]])
def test_labels_without_background_or_with_a_name_twice_are_refused(names):
    with pytest.raises(DatasetError):
        labels_of_names(names, "x")


def test_names_are_written_as_ours():
    assert plain_name("leftArm") == plain_name("Left_Arm") == plain_name(" left arm ") == "left-arm"


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=LABEL_SETS)
def test_the_words_agree_with_the_tables_that_ship(labels):
    for part in labels.parts[1:]:
        assert category_of(part.name) == part.category, part.name
