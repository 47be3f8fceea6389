"""One way to match names, in every command."""

import pytest

from grapy_cli.image_io.names import index_names, is_clutter, key_of, match_affixes

PNG = frozenset({".png"})


@pytest.mark.parametrize("name", ["._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX"])
def test_what_systems_leave_behind_is_clutter(name):
    assert is_clutter(name)


def test_a_key_has_composed_accents_and_no_suffix():
    assert key_of("deep/mu\u0308ller.v2.PNG") == "deep/m\u00fcller.v2"


def test_suffixes_match_in_upper_and_lower_case_and_clutter_is_left_out():
    names = ["p.PNG", "._p.png", "q.png", "r.jpg", "__MACOSX/q.png", "deep/.hidden/q.png"]
    assert index_names(names, PNG).names == {"p": "p.PNG", "q": "q.png"}


def test_files_that_share_a_key_are_rivals():
    index = index_names(["p.png", "p.PNG", "q.png"], PNG)
    assert index.rivals == {"p": ["p.PNG", "p.png"]}
    assert set(index.names) == {"p", "q"}


@pytest.mark.parametrize(
    ("photo", "label"),
    [
        *(("a", f"a_{word}") for word in ("mask", "label", "gt", "seg", "parsing")),
        ("a", "a-mask"),
        ("a", "mask_a"),
        ("a", "A_Mask"),
        ("a_image", "a_mask"),
        ("deep/a", "deep/a_gt"),
    ],
)
def test_words_at_the_end_of_a_name_are_left_out_where_nothing_else_fits(photo, label):
    assert match_affixes({photo: ""}, {label: ""}) == {photo: label}


@pytest.mark.parametrize(
    ("photos", "labels"),
    [
        (["a"], ["a", "a_mask"]),
        (["a"], ["a_mask", "a_gt"]),
        (["a", "A"], ["a_mask"]),
        (["a"], ["b_mask"]),
        (["a"], ["deep/a_mask"]),
        (["mask"], ["gt"]),
    ],
)
def test_what_fits_otherwise_or_in_two_ways_is_left_alone(photos, labels):
    assert match_affixes(dict.fromkeys(photos, ""), dict.fromkeys(labels, "")) == {}
