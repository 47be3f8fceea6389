from pathlib import Path, PurePosixPath

import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.predict.outputs import plan_kinds


def folders(*arguments):
    return [kind.folder for kind in plan_kinds(*arguments)]


def test_one_kind_lies_straight_under_out():
    [kind] = plan_kinds(["atr"], [3], ["mask"])
    path = kind.path(Path("out"), PurePosixPath("trip/a.jpg"))
    assert path == Path("out/trip/a.jpg.png")
    assert folders(["cihp"], [2], ["overlay"]) == [""]
    assert folders(["atr", "atr"], [3, 3], ["mask", "mask"]) == [""]


def test_several_kinds_have_folders():
    assert folders(["atr"], [3, 2], ["mask", "overlay"]) == [
        "atr",
        "atr-level2",
        "overlay",
        "overlay-level2",
    ]


def test_several_label_sets_have_folders():
    assert folders(["atr", "cihp"], [3], ["mask", "color"]) == [
        "atr",
        "cihp",
        "color-atr",
        "color-cihp",
    ]


def test_what_knows_no_levels_is_written_once():
    kinds = plan_kinds(["atr"], [3, 2, 1], ["mask", "probs", "confidence"])
    assert [kind.folder for kind in kinds] == [
        "atr",
        "atr-level2",
        "atr-level1",
        "probs",
        "confidence",
    ]
    assert kinds[3].path(Path("o"), PurePosixPath("a")) == Path("o/probs/a.npz")


@pytest.mark.parametrize("name", ["overlay", "Overlay"])
def test_a_label_set_that_is_called_like_an_output(name):
    with pytest.raises(SettingsError, match="share the folder 'overlay'"):
        plan_kinds([name], [3], ["mask", "overlay"])
