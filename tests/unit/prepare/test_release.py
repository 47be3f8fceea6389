from functools import partial

import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import DatasetError
from grapy_cli.prepare.release import find_release, read_release
from grapy_cli.prepare.sources import SOURCES, sources_of
from tests.support import tiny
from tests.support.label_files import labels_toml


def contents_of(name, folder, *, val_share=0.25, seed=0):
    release = find_release(SOURCES[name], [folder], any_name=True)
    return read_release(release, val_share=val_share, seed=seed)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("cihp", tiny.write_cihp),
        ("cihp", tiny.write_cihp_as_distributed),
        ("atr", tiny.write_atr),
        ("pascal", tiny.write_pascal),
        ("pascal", tiny.write_pascal_part),
        ("lip", tiny.write_lip),
        ("lip", partial(tiny.write_lip, nested=2)),
        ("lip", tiny.write_lip_flat),
        ("lip", tiny.write_lip_split),
    ],
)
def test_each_layout_is_found_and_listed(tmp_path, name, write):
    contents = contents_of(name, write(tmp_path))
    assert {split: len(keys) for split, keys in contents.splits.items() if split != "test"} == {
        "train": 3,
        "val": 1,
    }
    assert contents.problems == []
    assert all("_rev" not in str(entry.label) for entry in contents.entries.values())


@pytest.mark.parametrize(
    ("name", "write"), [("cihp", tiny.write_cihp_as_distributed), ("lip", tiny.write_lip)]
)
def test_test_photos_need_no_labels(tmp_path, name, write):
    contents = contents_of(name, write(tmp_path))
    (key,) = contents.splits["test"]
    assert contents.entries[key].label is None


def test_a_release_is_found_some_levels_below(tmp_path):
    written = tiny.write_atr(tmp_path / "downloads" / "humanparsing")
    release = find_release(SOURCES["atr"], [tmp_path], any_name=False)
    assert release.folder == written


def test_folders_of_other_names_are_found_only_where_the_user_points(tmp_path):
    renamed = tiny.write_atr(tmp_path / "x").rename(tmp_path / "x" / "mine")
    assert find_release(SOURCES["atr"], [tmp_path], any_name=True).folder == renamed
    with pytest.raises(DatasetError):
        find_release(SOURCES["atr"], [tmp_path], any_name=False)


def test_nothing_found_names_places_trees_and_home(tmp_path):
    places = [tmp_path / "raw", tmp_path]
    with pytest.raises(DatasetError) as error:
        find_release(SOURCES["cihp"], places, any_name=False)
    for place in places:
        assert str(place) in error.value.message
    assert "CIHP_4w/{Images, Category_ids, lists/train_id.txt}" in error.value.message
    assert "instance-level_human_parsing/{Training/Images" in error.value.message
    assert "Sun Yat-sen" in error.value.hint


def test_half_a_release_names_the_missing_half(tmp_path):
    release = tiny.write_cihp_as_distributed(tmp_path)
    (release / "Training" / "Category_ids").rename(release / "Training" / "elsewhere")
    with pytest.raises(DatasetError, match="lacks Training/Category_ids"):
        find_release(SOURCES["cihp"], [tmp_path], any_name=False)


def test_lists_may_have_blanks_extensions_folders_and_no_last_newline(tmp_path):
    release = tiny.write_atr(tmp_path)
    (release / "list" / "train_id.txt").write_text("2500_1 \r\n\n JPEGImages/2500_2.jpg\n2500_1")
    assert contents_of("atr", release).splits["train"] == ["2500_1", "2500_2"]


def test_listed_but_missing_is_a_problem_not_a_crash(tmp_path):
    release = tiny.write_atr(tmp_path)
    (release / "JPEGImages" / "2500_1.jpg").unlink()
    (release / "SegmentationClassAug" / "2500_2.png").unlink()
    contents = contents_of("atr", release)
    assert [(row.key, row.severity) for row in contents.problems] == [
        ("2500_1", "rejected"),
        ("2500_2", "rejected"),
    ]
    assert contents.splits["train"] == ["2500_3"]


def test_without_lists_the_split_is_drawn_by_the_seed(tmp_path):
    release = tiny.write_atr(tmp_path, photos=12, lists=False)
    first, again, other = (contents_of("atr", release, seed=seed).splits for seed in (0, 0, 1))
    assert first == again != other
    assert [len(first[split]) for split in ("train", "val")] == [9, 3]
    assert "no lists" in contents_of("atr", release).notes[0]


def test_without_a_train_list_train_gets_the_rest(tmp_path):
    release = tiny.write_cihp(tmp_path)
    (release / "lists" / "train_id.txt").unlink()
    contents = contents_of("cihp", release)
    assert len(contents.splits["train"]) == 3
    assert not set(contents.splits["train"]) & set(contents.splits["val"])


def test_a_key_in_two_splits_is_warned_of(tmp_path):
    release = tiny.write_atr(tmp_path)
    (release / "list" / "val_id.txt").write_text("2500_1")
    problem, unlisted = contents_of("atr", release).problems
    assert (problem.severity, problem.split, problem.key) == ("warning", "val", "2500_1")
    assert (unlisted.problem, unlisted.severity) == ("unlisted", "note")


def test_two_photos_of_one_key_are_a_problem(tmp_path):
    release = tiny.write_cihp_as_distributed(tmp_path)
    train, val = release / "Training", release / "Validation"
    for part, name in (("Images", "0000001.jpg"), ("Category_ids", "0000001.png")):
        (val / part / name).write_bytes((train / part / name).read_bytes())
    (val / "val_id.txt").write_text("0000001")
    contents = contents_of("cihp", release)
    assert contents.problems[0].problem == "same-key"
    assert "same key" in contents.problems[0].reason
    assert "val" not in contents.splits


def test_prepared_data_sets_are_no_release(tmp_path):
    labels = tmp_path / "mine.toml"
    labels.write_text(labels_toml("mine", "all torso"))
    for part in ("images", "labels/level3"):
        (tmp_path / "mine" / part).mkdir(parents=True)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "mine/labels/level3/a.png")
    with pytest.raises(DatasetError):
        find_release(*sources_of(str(labels)), [tmp_path], any_name=False)
