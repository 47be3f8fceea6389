"""Prepared data sets as samples: which photos belong together, and what a draw gives."""

import shutil
import time
from contextlib import closing
from multiprocessing import active_children

import numpy as np
import pytest
from torch import Tensor
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from grapy_cli.data import loader
from grapy_cli.data.augment.transforms import RandomWindow
from grapy_cli.data.batches import RankBatches, SamplingPlan
from grapy_cli.data.dataset import Draw, ParsingDataset, group_photos
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.data.loader import load_batches
from grapy_cli.errors import DatasetError, DeviceError, InterruptedRun
from tests.support.training import prepare_tiny


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return prepare_tiny(tmp_path_factory.mktemp("data"), "pascal", "atr")


@pytest.fixture
def pair(root, tmp_path):
    """Two data sets with the same photos under the same keys."""
    folders = [shutil.copytree(root / "pascal", tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        card = folder / "dataset.json"
        card.write_text(card.read_text().replace('"name": "pascal"', f'"name": "{folder.name}"'))
    return folders


def opened(folders):
    return [PreparedDataset.open(folder) for folder in folders]


def test_each_data_set_is_a_group(root):
    groups = group_photos(opened([root / "pascal", root / "atr"]), "train", join=True)
    assert [group.datasets for group in groups] == [("pascal",), ("atr",)]
    assert [len(group.keys) for group in groups] == [5, 5]


def test_photos_that_coincide_are_one_group(pair):
    one, two = opened(pair)
    first, second, *_ = one.keys("train")
    photo = two.photo(second)
    data = photo.read_bytes()
    photo.unlink()  # a link to the release: not to be written through
    photo.write_bytes(data + b"\0")
    train = pair[1] / "splits" / "train.txt"
    train.write_text(train.read_text().replace(first, "another"))
    groups = group_photos(opened(pair), "train", join=True)
    shared = set(one.keys("train")) - {first, second}
    assert [group.datasets for group in groups] == [("one", "two"), ("one",), ("two",)]
    assert [set(group.keys) for group in groups] == [shared, {first, second}, {"another", second}]
    sample = groups[0].read(0)
    assert set(sample.label_maps) == {"one", "two"}


def test_photos_are_joined_only_where_that_is_asked_for(pair):
    groups = group_photos(opened(pair), "train", join=False)
    assert [group.datasets for group in groups] == [("one",), ("two",)]


@pytest.fixture(scope="module")
def samples(root):
    groups = group_photos(opened([root / "pascal", root / "atr"]), "train", join=False)
    return ParsingDataset(groups, RandomWindow((40, 40)), seed=5)


def test_a_draw_is_the_same_every_time_and_another_in_another_epoch(samples):
    first, again, later = (samples[Draw(epoch, 1, 2)] for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first.photo, again.photo)
    np.testing.assert_array_equal(first.label_maps["atr"], again.label_maps["atr"])
    assert (first.photo != later.photo).any()


def test_workers_change_nothing(samples):
    share = RankBatches(SamplingPlan((5, 5), 2), epochs=5, epoch=3)
    loads = [list(load_batches(samples, share, workers)) for workers in (0, 1, 2)]
    for batches in loads:
        assert [batch.keys for batch in batches] == [batch.keys for batch in loads[0]]
        for ours, theirs in zip(batches, loads[0], strict=True):
            assert ours.photos.equal(theirs.photos)
            assert ours.datasets == theirs.datasets
            assert all(
                ours.label_maps[name].equal(theirs.label_maps[name]) for name in ours.datasets
            )
    batch = loads[0][0]
    assert batch.images.shape == (2, 3, 40, 40)
    assert batch.images.min() >= -1
    assert batch.images.max() <= 1


def test_workers_stay_for_the_whole_run_and_end_with_it(samples):
    """They read ahead into the next epoch; whoever closes the batches early ends them as well."""
    run = RankBatches(SamplingPlan((5, 5), 2), epochs=3)
    seen = set()
    with closing(load_batches(samples, run, 2)) as batches:
        for _ in zip(range(11), batches, strict=False):  # of 12
            seen.add(frozenset(child.pid for child in active_children()))
    assert {len(pids) for pids in seen} == {2}
    assert len(seen) == 1
    assert not active_children()
    assert len(list(load_batches(samples, run, 2))) == 12
    assert not active_children()


def test_full_shared_memory_loses_no_batch(samples, monkeypatch):
    def full(tensor):
        raise RuntimeError("unable to write to file: No space left on device (28)")

    share = RankBatches(SamplingPlan((5, 5), 2), epochs=1)
    plain = list(load_batches(samples, share, 0))
    monkeypatch.setattr(Tensor, "share_memory_", full)
    for ours, theirs in zip(load_batches(samples, share, 2), plain, strict=True):
        assert ours.keys == theirs.keys
        assert ours.photos.equal(theirs.photos)


def test_who_waits_for_a_batch_is_called_and_may_end_it(samples, monkeypatch):
    def never(self, draw):
        time.sleep(60)

    def give_up(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            raise InterruptedRun("enough")

    waited = []
    monkeypatch.setattr(loader, "POLL", 0.05)
    monkeypatch.setattr(ParsingDataset, "__getitem__", never)
    share = RankBatches(SamplingPlan((5, 5), 2), epochs=1)
    with pytest.raises(InterruptedRun):
        list(load_batches(samples, share, 1, give_up))
    assert waited == sorted(waited)


def test_a_killed_worker_may_be_missed_before_its_end_is_told(samples, monkeypatch):
    """Then its samples can't be had: it serves them by a socket, which is gone with it."""

    def missed(self, timeout=0):
        raise ConnectionResetError(104, "Connection reset by peer")

    monkeypatch.setattr(_MultiProcessingDataLoaderIter, "_try_get_data", missed)
    with pytest.raises(DeviceError, match=r"killed.*reset by peer"):
        list(load_batches(samples, RankBatches(SamplingPlan((5, 5), 2), epochs=1), 1))
    assert not active_children()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_file_is_named_without_a_traceback(pair, workers):
    (prepared,) = opened(pair[:1])
    path = prepared.label_map(prepared.keys("train")[0])
    path.write_text("no picture")
    groups = group_photos([prepared], "train", join=False)
    samples = ParsingDataset(groups, RandomWindow((40, 40)), seed=0)
    share = RankBatches(SamplingPlan((5,), 5), epochs=1)
    with pytest.raises(DatasetError, match=path.name) as caught:
        list(load_batches(samples, share, workers))
    assert "Traceback" not in caught.value.message
    assert not active_children()
