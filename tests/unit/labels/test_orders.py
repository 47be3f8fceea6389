"""Label orders of other tools."""

import pytest

from grapy_cli.errors import DatasetError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.labels.orders import ORDERS, label_order

CIHP, ATR, PASCAL = (LABEL_SETS[name] for name in ("cihp", "atr", "pascal"))
READ = [(order, LABEL_SETS[name]) for order in ORDERS.values() for name in order.reads]
WRITTEN = [(order, LABEL_SETS[name]) for order in ORDERS.values() for name in order.writes]


@pytest.mark.parametrize(("order", "labels"), READ, ids=lambda one: one.name)
def test_every_table_reads_names_that_are_there(order, labels):
    table = order.read_table(labels)
    assert len(table) == len(order.names)
    assert table[0] == 0
    assert max(table) < labels.num_parts
    assert set(order.reads[labels.name]) <= set(order.names)
    assert set(order.reads[labels.name].values()) <= set(labels.names)


@pytest.mark.parametrize(("order", "labels"), WRITTEN, ids=lambda one: one.name)
def test_every_table_writes_names_that_are_there(order, labels):
    table = order.write_table(labels)
    assert len(table) == labels.num_parts
    assert table[0] == 0
    assert max(table) < len(order.names)
    assert set(order.writes[labels.name]) <= set(labels.names)
    assert set(order.writes[labels.name].values()) <= set(order.names)


def test_left_stays_left():
    for order, labels in WRITTEN:
        for ours, theirs in enumerate(order.write_table(labels)):
            for side in ("left", "right"):
                if side in labels.names[ours] and theirs:
                    assert side in order.names[theirs]


def test_lip_differs_from_cihp_in_one_label():
    lip = ORDERS["lip"]
    assert lip.names[10] == "jumpsuits"
    assert lip.read_table(CIHP) == (*range(10), CIHP.names.index("dress"), *range(11, 20))
    assert lip.write_table(CIHP) == (*range(10), 0, *range(11, 20))


def test_viton_joins_what_its_preparation_joins():
    table = ORDERS["viton-hd"].write_table(CIHP)
    assert table == (0, 1, 1, 12, 2, 3, 3, 3, 11, 4, 0, 12, 4, 2, 5, 6, 7, 8, 9, 10)


def test_densepose_gives_body_parts_alone():
    assert set(ORDERS["densepose"].read_table(PASCAL)) == set(range(7))
    with pytest.raises(DatasetError, match="cannot be scored by cihp"):
        ORDERS["densepose"].read_table(CIHP)


def test_a_written_mask_has_the_colors_of_what_it_was_written_from():
    palette = ORDERS["viton-hd"].palette(CIHP)
    assert len(palette) == 768
    assert tuple(palette[:3]) == (0, 0, 0)
    upper = ORDERS["viton-hd"].names.index("upper")
    assert tuple(palette[3 * upper : 3 * upper + 3]) == CIHP.parts[5].color
    assert palette[-3:] == [255, 255, 255]


def test_a_file_is_an_order_of_its_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('names = ["background", "top"]\n[reads.atr]\ntop = "upper-clothes"\n')
    assert label_order(str(path)).read_table(ATR) == (0, 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("names = 3", "no valid names"),
        ('names = ["background", "background"]', "duplicate name"),
        ('names = ["background", "a"]\nreads = 3', "holds tables"),
        ("names =", "cannot be read"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path, text, says):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(DatasetError, match=says):
        label_order(str(path))


def test_a_typo_is_answered_with_the_nearest_order():
    with pytest.raises(DatasetError) as error:
        label_order("segformer_clothes")
    assert "segformer-clothes" in error.value.hint
