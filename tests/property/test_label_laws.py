"""What holds for every label set, ours and any that a user may write."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.labels import IGNORE, LABEL_SETS, Category, LabelSet, Level, Part

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8)
FOREGROUND = [category for category in Category if category != Category.BACKGROUND]


@st.composite
def own_tables(draw):
    """Any valid table of parts: neighbors of one category may be each other's mirror."""
    names = draw(st.lists(NAMES.filter(lambda n: n != "background"), min_size=1, unique=True))
    parts = [Part("background", Category.BACKGROUND, (0, 0, 0))]
    for index, name in enumerate(names):
        color = ((index + 1) % 256, (index + 1) // 256, 7)
        category = draw(st.sampled_from(FOREGROUND))
        last = parts[-1]
        if last.mirror is None and len(parts) > 1 and draw(st.booleans()):
            parts[-1] = last._replace(mirror=name)
            parts.append(Part(name, last.category, color, last.name))
        else:
            parts.append(Part(name, category, color))
    return tuple(parts)


tables = st.one_of(st.sampled_from([labels.parts for labels in LABEL_SETS.values()]), own_tables())


def build(parts):
    """Outside the strategy: the shape checker uses `random`, which hypothesis forbids in there."""
    return LabelSet("own", "Own", "drawn", parts)


@given(tables)
def test_mirroring_twice_changes_nothing(parts):
    labels = build(parts)
    mirror = np.array(labels.mirror_ids)
    np.testing.assert_array_equal(mirror[mirror], np.arange(labels.num_parts))


@given(tables)
def test_lifting_in_one_step_or_two_is_the_same(parts):
    labels = build(parts)
    category_to_human = np.array([int(c != Category.BACKGROUND) for c in Category])
    categories = np.array(labels.lift(Level.CATEGORY))
    np.testing.assert_array_equal(category_to_human[categories], labels.lift(Level.HUMAN))


@given(tables, st.sampled_from(list(Level)))
def test_a_mirrored_part_stays_in_its_node(parts, level):
    labels = build(parts)
    if level != Level.PART:
        lift = np.array(labels.lift(level))
        np.testing.assert_array_equal(lift[np.array(labels.mirror_ids)], lift)


@given(tables, st.sampled_from(list(Level)))
def test_lifting_stays_within_the_nodes(parts, level):
    labels = build(parts)
    lift = labels.lift(level)
    assert len(lift) == labels.num_parts < IGNORE + 1
    assert lift[0] == 0
    assert max(lift) < len(labels.nodes(level))


@given(tables)
def test_a_label_set_survives_its_dict(parts):
    labels = build(parts)
    again = LabelSet.from_dict(labels.to_dict())
    assert again == labels
    assert again.digest == labels.digest
