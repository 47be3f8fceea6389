from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from grapy_cli.errors import SettingsError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.outputs.kinds import OUTPUTS, plan_kinds
from grapy_cli.settings.sections import PredictSettings
from grapy_cli.settings.tree import choices


def folders(datasets, *arguments):
    kinds = plan_kinds([LABEL_SETS[name] for name in datasets], *arguments)
    return [kind.folder for kind in kinds]


def test_what_can_be_asked_for_is_what_can_be_written():
    by_consistency = {"disagreement"}
    saved = set(choices(PredictSettings.model_fields["save"]))
    assert saved | by_consistency == set(OUTPUTS)


def test_one_kind_lies_straight_under_out():
    [kind] = plan_kinds([LABEL_SETS["atr"]], [3], ["mask"])
    paths = kind.paths(Path("out"), PurePosixPath("trip/a.jpg"))
    assert paths == [Path("out/trip/a.jpg.png")]
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
    kinds = plan_kinds([LABEL_SETS["atr"]], [3, 2, 1], ["mask", "probs", "confidence"])
    assert [kind.folder for kind in kinds] == [
        "atr",
        "atr-level2",
        "atr-level1",
        "probs",
        "confidence",
    ]
    assert kinds[3].paths(Path("o"), PurePosixPath("a")) == [Path("o/probs/a.npz")]


def test_cutouts_have_a_folder_for_each_photo():
    [kind] = plan_kinds([LABEL_SETS["pascal"]], [3], ["cutouts"])
    paths = kind.paths(Path("o"), PurePosixPath("trip/a"))
    names = ("head", "torso", "upper-arm", "lower-arm", "upper-leg", "lower-leg")
    assert paths == [Path(f"o/trip/a/{name}.png") for name in names]


def test_files_of_a_kind_are_known_among_those_of_a_row():
    labels = [LABEL_SETS["atr"], LABEL_SETS["cihp"]]
    kinds = {kind.folder: kind for kind in plan_kinds(labels, [3], ["mask", "probs"])}
    row = {"files": ["atr/a.png", "cihp/a.png", "probs-atr/a.npz", "probs-cihp/a.npz"]}
    assert kinds["atr"].files_of(row) == ["atr/a.png"]
    assert kinds["probs-cihp"].files_of(row) == ["probs-cihp/a.npz"]


@pytest.mark.parametrize("name", ["overlay", "Overlay"])
def test_a_label_set_that_is_called_like_an_output(name):
    with pytest.raises(SettingsError, match="share the folder 'overlay'"):
        plan_kinds([replace(LABEL_SETS["atr"], name=name)], [3], ["mask", "overlay"])
