"""Photos of one data set in several folders."""

import shutil
from collections import Counter
from unittest.mock import Mock

import pytest
import torch

from grapy_cli.data.dataset import Group
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.runtime.journal import read_journal
from grapy_cli.train.datasets import DataRoot, group_roots, open_more, stand_ins
from grapy_cli.train.part_weights import part_weights
from tests.support.training import prepare_tiny, recipe, train
from tests.unit.train.test_guarding import write_own


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    """CIHP and ATR once more, with 9 photos to train on and 3 for val each."""
    return prepare_tiny(tmp_path_factory.mktemp("more"), "cihp", "atr", photos=12)


def events_of(run, kind):
    return [row for row in read_journal(run / "journal.jsonl") if row["event"] == kind]


def test_what_lies_in_a_further_folder_is_trained_on_but_not_scored_on(data, more, tmp_path):
    run, there = tmp_path / "run", shutil.copytree(more, tmp_path / "more")
    for key in PreparedDataset.open(there / "atr").keys("val"):
        (there / "atr/labels/level3" / f"{key}.png").write_text("scoring would fail")
    train(f"data.more={there}", data__root=data, train__epochs=1, train__out=run)
    [started] = events_of(run, "RunStarted")
    assert started["datasets"] == {"atr": 14, "cihp": 14, "pascal": 5}
    steps = Counter(name for row in events_of(run, "StepDone") for name in row["datasets"])
    assert steps == {"atr": 2 + 4, "cihp": 2 + 4, "pascal": 2}
    [scored] = events_of(run, "EpochScored")
    assert set(scored["mean_iou"]) == {"atr", "cihp", "pascal"}


def test_a_share_multiplies_what_a_folder_makes_up(data, more, tmp_path):
    run = tmp_path / "run"
    sets = [f"data.more={more}", "data.more_shares=3"]
    where = {"data__root": data, "data__dataset": "cihp", "train__out": run}
    train(*sets, **where, train__epochs=1)
    [started] = events_of(run, "RunStarted")
    assert started["steps"] == (5 + 9) // 2


def test_a_run_with_everything_joined_and_put_in_trains(data, more, tmp_path):
    """Company comes from all folders, and parts are counted in all of them."""
    sets = ["data.join_photos=true", "train.augment.copy_paste=1", "train.loss.balance=0.5"]
    where = {"data__root": data, "train__epochs": 1, "train__out": tmp_path / "run"}
    train(f"data.more={more}", *sets, **where)
    assert (tmp_path / "run/last/weights.safetensors").exists()


def test_parts_are_counted_in_every_folder(data, more):
    roots = [DataRoot([PreparedDataset.open(root / "atr")]) for root in (data, more)]
    both = part_weights(group_roots(roots, join=False), 1.0)["atr"]
    first, second = (part_weights(group_roots([root], join=False), 1.0)["atr"] for root in roots)
    pixels = torch.zeros(18)
    for root in roots:
        for key in root.datasets[0].keys("train"):
            label_map = torch.from_numpy(load_label_map(root.datasets[0].label_map(key)))
            pixels += torch.bincount(label_map.ravel().long(), minlength=256)[:18]
    assert (both * pixels / pixels.sum()).sum() == pytest.approx(1)
    torch.testing.assert_close(both, pixels.sum() / (18 * pixels))
    assert not torch.equal(both, first)
    assert not torch.equal(both, second)


def test_a_folder_without_any_of_the_data_sets(data, tmp_path):
    with pytest.raises(DatasetError, match="has none of the data sets cihp, atr") as caught:
        train(f"data.more={tmp_path}", data__root=data, data__dataset="cihp,atr")
    assert str(tmp_path) in caught.value.hint


def test_two_folders_that_mean_other_parts_by_one_name(data, tmp_path):
    begun = write_own(data, tmp_path / "begun", "head")
    changed = write_own(data, tmp_path / "changed", "helmet")
    settings = recipe(f"data.more={changed}", data__root=begun, data__dataset="own")
    with pytest.raises(DatasetError, match="have different parts") as caught:
        open_more(settings, [PreparedDataset.open(begun / "own")])
    assert str(begun / "own") in caught.value.message
    assert str(changed / "own") in caught.value.message


def test_one_share_for_each_folder(data, more):
    with pytest.raises(SettingsError, match=r"2 numbers for 1 folders in data\.more"):
        train(f"data.more={more}", "data.more_shares=1,2", data__root=data)


def test_photos_to_be_labeled_are_stood_in_for_in_each_label_set():
    unread = Mock(spec=PreparedDataset)
    single = [Group({name: unread}, ("a", "b")) for name in ("cihp", "atr")]
    assert [len(one.keys) for one in stand_ins(single, 5, 2.0)] == [5, 5]
    joined = [Group({"cihp": unread, "atr": unread}, ("a", "b")), *single]
    [one] = stand_ins(joined, 5, 2.0)
    assert (one.datasets, len(one.keys), one.share) == (("cihp", "atr"), 5, 2.0)
