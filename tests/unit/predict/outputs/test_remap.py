"""Levels, --only and --remap."""

import numpy as np
import pytest

from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.orders import ORDERS
from grapy_cli.predict.outputs.remap import plan_views

CIHP, ATR, PASCAL = (LABEL_SETS[name] for name in ("cihp", "atr", "pascal"))


def view_of(labels, level=3, only=(), remap=None):
    return plan_views([labels], [level], only, remap)[labels.name, level]


@pytest.mark.parametrize("level", [3, 2, 1])
def test_without_a_wish_a_view_is_the_label_set_s(level):
    view = view_of(CIHP, level)
    assert view.table == CIHP.lift(level)
    assert view.nodes == CIHP.nodes(level)
    assert view.palette == CIHP.palette(level)


def test_only_keeps_parts_and_whole_groups():
    kept = {CIHP.names[new] for new in view_of(CIHP, only=["hair", "arms"]).table}
    assert kept == {"background", "hair", "glove", "left-arm", "right-arm"}
    assert view_of(CIHP, only=["person"]).table == CIHP.lift(3)


def test_only_at_a_coarser_level_is_where_the_parts_are():
    table = view_of(CIHP, 2, only=["hair"]).table
    assert table[CIHP.names.index("hair")] == 1
    assert sum(table) == 1


def test_remap_writes_ids_names_and_colors_of_another_tool():
    view, order = view_of(CIHP, remap="viton-hd"), ORDERS["viton-hd"]
    assert view.table == order.write_table(CIHP)
    assert tuple(node.name for node in view.nodes) == order.names
    assert view.palette == order.palette(CIHP)
    np.testing.assert_array_equal(
        view.of(np.arange(CIHP.num_parts, dtype=np.uint8)[None])[0], order.write_table(CIHP)
    )


def test_only_goes_by_our_names_before_they_are_remapped():
    table = view_of(CIHP, only=["dress"], remap="viton-hd").table
    assert set(table) == {0, ORDERS["viton-hd"].names.index("upper")}


def test_a_typo_is_answered_with_the_nearest_part():
    with pytest.raises(SettingsError, match="no part 'hiar'") as error:
        view_of(CIHP, only=["face", "hiar"])
    assert error.value.hint == "Did you mean hair?"


def test_a_label_set_that_would_be_empty_is_an_error():
    with pytest.raises(SettingsError, match="pascal has no part hair") as error:
        plan_views([ATR, PASCAL], [3], ["hair"], None)
    assert "Leave out pascal" in error.value.hint
    plan_views([ATR, PASCAL], [3], ["hair", "head"], None)


@pytest.mark.parametrize(
    ("labels", "level", "remap", "says"),
    [
        (ATR, 3, "viton-hd", "cannot be written from atr"),
        (CIHP, 3, "vitonhd", "no label order"),
        (CIHP, 2, "lip", "has parts alone"),
    ],
)
def test_an_order_that_cannot_be_had_says_what_can(labels, level, remap, says):
    with pytest.raises((DatasetError, SettingsError), match=says) as error:
        view_of(labels, level, remap=remap)
    assert error.value.hint


def test_an_order_of_one_s_own_begins_with_the_background(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('names = ["head", "background"]\n[writes.pascal]\n')
    with pytest.raises(DatasetError, match="does not begin with background"):
        view_of(PASCAL, remap=str(path))
