"""A teacher of one label set and a student of another."""

import numpy as np
import pytest

from grapy_cli.errors import WeightsError
from grapy_cli.labels import IGNORE, LABEL_SETS
from grapy_cli.train.self_training.label_routes import routes_to
from grapy_cli.train.self_training.pseudo_labels import pseudo_label_map

ATR, CIHP, LIP, PASCAL = (LABEL_SETS[name] for name in ("atr", "cihp", "lip", "pascal"))


def said(**shares):
    """What a teacher of ATR says of one pixel; hyphens are written as underscores."""
    probabilities = np.zeros((ATR.num_parts, 1, 1), np.float16)
    for name, share in shares.items():
        probabilities[ATR.names.index(name.replace("_", "-"))] = share
    return probabilities


def label_of(own, *, confidence=0.7):
    """The student's label of that pixel, by name."""
    route = routes_to([CIHP], {"atr": ATR})["cihp"]
    probabilities, lost = route.translate(own)
    assert float(probabilities.sum() + lost.sum()) == pytest.approx(1, abs=1e-3)
    ones = np.ones(CIHP.num_parts)
    [[label]] = pseudo_label_map(probabilities, ones, None, confidence, lost)
    return "ignore" if label == IGNORE else CIHP.names[label]


def test_labels_of_the_same_name_are_themselves():
    assert label_of(said(hair=1.0)) == "hair"
    assert label_of(said(left_arm=0.9, background=0.1)) == "left-arm"


def test_joined_labels_add_up():
    assert label_of(said(pants=0.4, belt=0.4, background=0.2)) == "pants"
    assert label_of(said(pants=0.4, background=0.6)) == "ignore"


def test_what_does_not_translate_is_ignored_and_not_background():
    assert label_of(said(bag=1.0)) == "ignore"
    assert label_of(said(bag=0.55, background=0.45), confidence=0.0) == "ignore"
    assert label_of(said(bag=0.1, background=0.9)) == "background"


def test_the_same_parts_need_no_table():
    route = routes_to([ATR], {"pascal": PASCAL, "atr": ATR})["atr"]
    assert (route.source, route.table) == ("atr", None)
    assert routes_to([LIP], {"atr": ATR})["lip"].table is not None


def test_without_a_table_the_teacher_is_refused():
    with pytest.raises(WeightsError, match="no table leads to pascal"):
        routes_to([PASCAL], {"atr": ATR})
