"""Label maps of a teacher's thoughts, by hand."""

import numpy as np
import pytest

from grapy_cli.labels import IGNORE, LABEL_SETS
from grapy_cli.labels.garment_tags import GARMENTS, allowed_parts
from grapy_cli.train.self_training.pseudo_labels import (
    apply_label_maps,
    part_factors,
    part_shares,
    pseudo_label_map,
)

ATR = LABEL_SETS["atr"]
PARTS = ("background", "hair", "dress", "skirt")


def label_of(thoughts, *, allowed=PARTS, person=None, confidence=0.8):
    """The label of a single pixel, by name; "ignore" where it has none."""
    probabilities = np.array([thoughts.get(name, 0) for name in PARTS]).reshape(-1, 1, 1)
    mask = None if person is None else np.full((1, 1), person, np.uint8)
    factors = np.array([name in allowed for name in PARTS], float)
    [[label]] = pseudo_label_map(probabilities, factors, mask, confidence)
    return "ignore" if label == IGNORE else PARTS[label]


NO_DRESS = ("background", "hair", "skirt")


def test_what_is_certain_is_labeled():
    assert label_of({"hair": 0.85, "background": 0.15}) == "hair"
    assert label_of({"hair": 0.75, "background": 0.25}) == "ignore"
    assert label_of({"hair": 0.75, "background": 0.25}, confidence=0.7) == "hair"


def test_a_dress_where_there_is_none_is_the_skirt_it_looks_like_a_little():
    thoughts = {"dress": 0.8, "skirt": 0.19, "background": 0.01}
    assert label_of(thoughts) == "dress"
    assert label_of(thoughts, allowed=NO_DRESS) == "skirt"


def test_what_remains_may_be_uncertain():
    thoughts = {"dress": 0.8, "skirt": 0.1, "background": 0.1}
    assert label_of(thoughts, allowed=NO_DRESS) == "ignore"


def test_nothing_remains():
    assert label_of({"dress": 1.0}, allowed=NO_DRESS) == "ignore"
    assert label_of({"dress": 1.0}, allowed=NO_DRESS, confidence=0.0) == "ignore"


@pytest.mark.parametrize("thoughts", [{"hair": 1.0}, {"hair": 0.5, "background": 0.5}])
def test_outside_of_the_person_mask_is_background(thoughts):
    assert label_of(thoughts, person=0) == "background"


def test_inside_of_the_person_mask_is_no_background():
    thoughts = {"background": 0.9, "hair": 0.09, "skirt": 0.01}
    assert label_of(thoughts) == "background"
    assert label_of(thoughts, person=1) == "hair"
    assert label_of({"background": 1.0}, person=1) == "ignore"


def test_where_the_person_mask_knows_nothing_all_is_open():
    assert label_of({"background": 0.9, "hair": 0.1}, person=IGNORE) == "background"
    assert label_of({"background": 0.1, "hair": 0.9}, person=IGNORE) == "hair"


def names_of(labels, words):
    allowed = allowed_parts(labels, words)
    return {name for name, may_be in zip(labels.names, allowed, strict=True) if may_be}


SKIN = {"background", "hair", "face", "left-leg", "right-leg", "left-arm", "right-arm"}


def test_words_allow_the_parts_they_may_be():
    assert names_of(ATR, ["skirt"]) == SKIN | {"skirt"}
    assert names_of(ATR, ["jeans", "boots"]) == SKIN | {"pants", "left-shoe", "right-shoe"}
    assert names_of(ATR, ["jacket"]) == SKIN | {"upper-clothes"}
    coat = names_of(LABEL_SETS["cihp"], ["jacket"])
    assert coat == SKIN | {"torso-skin", "upper-clothes", "coat"}


@pytest.mark.parametrize("words", [[], ["ring", "hair", "null"], ["spaceship"]])
def test_words_without_a_part_allow_no_garment(words):
    assert names_of(ATR, words) == SKIN


def test_without_words_everything_is_allowed():
    assert names_of(ATR, None) == set(ATR.names)


def test_parts_of_the_body_are_always_allowed():
    pascal = LABEL_SETS["pascal"]
    assert names_of(pascal, []) == set(pascal.names)


def test_every_garment_of_a_label_set_has_a_word():
    known = {part for parts in GARMENTS.values() for part in parts}
    body = SKIN | {"torso-skin"}
    for name in ("cihp", "atr"):
        assert set(LABEL_SETS[name].names) - body <= known


def test_every_word_of_the_tagged_photos_is_known():
    """Clothing Co-Parsing's, as they stand in the tags of its photos."""
    words = """accessories bag belt blazer blouse bodysuit boots bra bracelet cape cardigan clogs
    coat dress earrings flats glasses gloves hair hat heels hoodie jacket jeans jumper leggings
    loafers necklace null pants pumps purse ring romper sandals scarf shirt shoes shorts skin skirt
    sneakers socks stockings suit sunglasses sweater sweatshirt t-shirt tie tights top vest wallet
    watch wedges"""
    assert set(words.split()) <= set(GARMENTS)


def factors_of(words, *photos):
    """What words do to the parts of ATR, among photos with such words."""
    factors = part_factors(ATR, words, part_shares(ATR, photos))
    return dict(zip(ATR.names, factors.tolist(), strict=True))


def test_a_part_is_the_likelier_the_fewer_photos_show_it():
    factors = factors_of(["hat", "jeans"], ["hat", "jeans"], ["jeans"], ["skirt"], ["jeans"])
    assert factors["hat"] == pytest.approx(4)
    assert factors["pants"] == pytest.approx(4 / 3)
    assert factors["skirt"] == factors["scarf"] == 0
    assert factors["face"] == factors["background"] == 1


def test_photos_without_words_are_as_any():
    assert set(factors_of(None, ["hat"], ["skirt"], None).values()) == {1}
    assert set(factors_of(None, None).values()) == {1}


def test_photos_without_words_say_nothing_of_how_often_a_part_is_shown():
    assert factors_of(["hat"], ["hat"], ["skirt"], None, None)["hat"] == pytest.approx(2)


def test_what_is_known_to_be_there_is_seen_in_a_little():
    thoughts = np.array([0.0, 0.7, 0.3]).reshape(-1, 1, 1)  # background, hair, hat
    anywhere, known = np.ones(3), np.array([1, 1, 1 / 0.1])
    assert pseudo_label_map(thoughts, anywhere, None, 0.7).item() == 1
    assert pseudo_label_map(thoughts, known, None, 0.7).item() == 2


def test_a_label_map_of_another_set_rules_out_what_contradicts_it():
    """Trousers only where PASCAL says leg, or torso where they are worn high."""
    pascal, cihp = LABEL_SETS["pascal"], LABEL_SETS["cihp"]
    parts = ["upper-leg", "lower-arm", "head", "background"]
    ids = np.array([[*map(pascal.names.index, parts), IGNORE]], np.uint8)
    probabilities = np.zeros((cihp.num_parts, 1, 5))
    probabilities[cihp.names.index("pants")] = 0.7
    probabilities[cihp.names.index("face")] = 0.3
    applied = apply_label_maps(probabilities, cihp, {"pascal": ids})
    assert applied[cihp.names.index("pants"), 0].tolist() == pytest.approx([0.7, 0, 0, 0, 0.7])
    assert applied[cihp.names.index("face"), 0].tolist() == pytest.approx([0, 0, 0.3, 0, 0.3])
    label_map = pseudo_label_map(applied, np.ones(cihp.num_parts), None, 0.8)
    pants, face = cihp.names.index("pants"), cihp.names.index("face")
    assert label_map.tolist() == [[pants, IGNORE, face, IGNORE, IGNORE]]


def test_a_label_map_of_the_same_set_decides():
    cihp = LABEL_SETS["cihp"]
    probabilities = np.full((cihp.num_parts, 1, 1), 1 / cihp.num_parts)
    coat = cihp.names.index("coat")
    applied = apply_label_maps(probabilities, cihp, {"cihp": np.array([[coat]], np.uint8)})
    assert applied[:, 0, 0].nonzero()[0].tolist() == [coat]
