import pytest

from grapy_cli.errors import DatasetError
from grapy_cli.labels import LABEL_SETS, LabelSet, Level, Part, label_set
from grapy_cli.labels.label_set import ARMS, BACKGROUND, HEAD

# Groups of level 2 (background, head, torso, arms, legs) and mirror pairs, as the reference's
# category lists and its swap of channels have them.
GROUPS = {
    "cihp": [
        [0],
        [1, 2, 4, 13],
        [5, 6, 7, 10, 11, 12],
        [3, 14, 15],
        [8, 9, 16, 17, 18, 19],
    ],
    "pascal": [[0], [1], [2], [3, 4], [5, 6]],
    "atr": [[0], [1, 2, 3, 11], [4, 5, 7, 8, 16, 17], [14, 15], [6, 9, 10, 12, 13]],
}
GROUPS["lip"] = GROUPS["cihp"]
PAIRS = {
    "cihp": [(14, 15), (16, 17), (18, 19)],
    "pascal": [],
    "atr": [(9, 10), (12, 13), (14, 15)],
}
PAIRS["lip"] = PAIRS["cihp"]
FIRST_COLORS = [(0, 0, 0), (128, 0, 0), (255, 0, 0), (0, 85, 0), (170, 0, 51), (255, 85, 0)]
GOOD = """
name = "mine"
title = "My parts"
[[parts]]
name = "background"
category = "background"
color = [0, 0, 0]
[[parts]]
name = "left-hand"
category = "arms"
color = [255, 0, 0]
mirror = "right-hand"
[[parts]]
name = "right-hand"
category = "arms"
color = [0, 255, 0]
mirror = "left-hand"
"""


@pytest.mark.parametrize("name", LABEL_SETS)
def test_groups_and_pairs_are_the_references(name):
    labels = LABEL_SETS[name]
    lift = labels.lift(Level.CATEGORY)
    assert [[i for i, g in enumerate(lift) if g == group] for group in range(5)] == GROUPS[name]
    pairs = [(i, j) for i, j in enumerate(labels.mirror_ids) if i < j]
    assert pairs == PAIRS[name]


@pytest.mark.parametrize(("name", "parts"), [("cihp", 20), ("pascal", 7), ("atr", 18), ("lip", 20)])
def test_counts_names_and_colors(name, parts):
    labels = LABEL_SETS[name]
    assert labels.num_parts == parts == len(labels.lift(3)) == len(labels.nodes(3))
    assert labels.names[0] == "background"
    assert [part.color for part in labels.parts[:6]] == FIRST_COLORS
    assert [len(labels.nodes(level)) for level in (1, 2)] == [2, 5]
    assert labels.lift(1) == (0,) + (1,) * (parts - 1)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_palette_is_whole_and_ends_in_white(level):
    palette = LABEL_SETS["atr"].palette(level)
    assert len(palette) == 768
    assert palette[-3:] == [255, 255, 255]


def test_left_mirrors_to_right_by_name():
    for labels in LABEL_SETS.values():
        for part in labels.parts:
            if part.name.startswith("left-"):
                assert part.mirror == part.name.replace("left-", "right-")


def test_the_digest_knows_parts_and_not_colors():
    labels = LABEL_SETS["pascal"]
    repainted = LabelSet(
        "x", "X", "", tuple(part._replace(color=(i, 9, 9)) for i, part in enumerate(labels.parts))
    )
    renamed = LabelSet("x", "X", "", (*labels.parts[:-1], labels.parts[-1]._replace(name="foot")))
    assert repainted.digest == labels.digest != renamed.digest


def test_a_label_file_is_read(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD)
    labels = label_set(str(tmp_path / "mine.toml"))
    assert (labels.name, labels.title) == ("mine", "My parts")
    assert labels.mirror_ids == (0, 2, 1)


def test_a_label_file_is_named_after_itself(tmp_path):
    (tmp_path / "hands.toml").write_text(GOOD.replace('name = "mine"\n', ""))
    assert label_set(str(tmp_path / "hands.toml")).name == "hands"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', 'name = "cihp"', "ships with grapy"),
        ('name = "mine"', 'name = "../mine"', "letters, digits"),
        ('name = "mine"', 'name = "my.parts"', "letters, digits"),
        ('"arms"\ncolor = [255', '"wings"\ncolor = [255', "wings"),
        ("[255, 0, 0]", "[256, 0, 0]", "256"),
        ("[255, 0, 0]", "[255, 0]", "255"),
        ("[255, 0, 0]", "[0, 255, 0]", "twice"),
        ('mirror = "left-hand"', "", "the reverse is missing"),
        ('mirror = "left-hand"', 'miror = "left-hand"', "miror"),
        ('mirror = "left-hand"', 'mirror = "foot"', "not a part"),
        ('category = "background"', 'category = "head"', "background"),
        ('"arms"\ncolor = [255', '"legs"\ncolor = [255', "differ in category"),
        ('name = "left-hand"', "", "missing"),
        ("[[parts]]", "[[part]]", "missing"),
        ("title", "= title", "cannot be read"),
    ],
)
def test_a_bad_label_file_says_what_is_bad(tmp_path, old, new, message):
    assert old in GOOD
    (tmp_path / "mine.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(DatasetError, match=message):
        label_set(str(tmp_path / "mine.toml"))


def test_an_unknown_name_suggests_the_nearest(tmp_path):
    with pytest.raises(DatasetError, match="pascall") as error:
        label_set("pascall")
    assert "pascal?" in error.value.hint
    with pytest.raises(DatasetError, match="does not exist"):
        label_set(str(tmp_path / "no.toml"))


def test_one_part_is_no_label_set():
    with pytest.raises(DatasetError, match="1 parts"):
        LabelSet("x", "X", "", (Part("background", BACKGROUND, (0, 0, 0)),))


def test_all_faults_are_told_at_once():
    parts = (
        Part("background", BACKGROUND, (0, 0, 0)),
        Part("a", HEAD, (1, 1, 1), "b"),
        Part("a", ARMS, (1, 1, 1)),
    )
    with pytest.raises(DatasetError, match=r"name.*color.*not a part"):
        LabelSet("x", "X", "", parts)
