"""What cannot be shared out is refused with what can."""

from unittest.mock import Mock

import pytest

from grapy_cli.data.dataset import Group
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import SettingsError
from grapy_cli.settings.layers import resolve
from grapy_cli.train.sampling import build_sampling_plan

UNREAD = Mock(spec=PreparedDataset)
SIZES = {"cihp": 28280, "pascal": 1716, "atr": 16706}


def groups_of(sizes=SIZES):
    keys = {name: tuple(str(n) for n in range(size)) for name, size in sizes.items()}
    return [Group({name: UNREAD}, own) for name, own in keys.items()]


def mixture_of(*sets, groups=None, processes=1):
    flags = {"data.dataset": ",".join(SIZES)}
    return build_sampling_plan(
        resolve(sets=sets, flags=flags).settings, groups or groups_of(), processes
    )


def counts_of(plan):
    return [sum(draw.group == group for step in plan for draw in step) for group in range(3)]


def test_the_papers_epoch_is_the_references():
    """2828 + 171 + 1670 batches of 10."""
    sampling = mixture_of()
    assert sampling.steps == 4669
    assert counts_of(sampling.epoch(0)) == [28280, 1710, 16700]


def test_balanced_shows_as_many_of_each():
    sampling = mixture_of("train.sampling=balanced")
    assert sampling.steps == sum(SIZES.values()) // 10
    for count in counts_of(sampling.epoch(0)):
        assert abs(count - 46700 / 3) < 10


def test_shares_multiply_what_sampling_says():
    balanced = mixture_of("train.sampling=balanced", "train.shares=1,2,1")
    assert [float(share) for share in balanced.fractions] == [0.25, 0.5, 0.25]
    by_size = mixture_of("train.shares=1,10,1")
    asked = [28280, 17160, 16706]
    assert [float(s) for s in by_size.fractions] == pytest.approx([n / sum(asked) for n in asked])


def test_shares_are_the_data_sets_whatever_order_groups_have():
    sampling = mixture_of(
        "train.sampling=balanced", "train.shares=1,2,5", groups=groups_of(SIZES)[::-1]
    )
    assert sampling.shares == (5, 2, 1)


@pytest.mark.parametrize(
    ("processes", "accumulate", "smallest"), [(1, 1, 28), (2, 1, 56), (2, 3, 168)]
)
def test_a_mixed_step_too_small_for_every_data_set(processes, accumulate, smallest):
    """PASCAL is a 27th of the photos."""
    how = ["train.mixing=mixed", f"train.accumulate={accumulate}"]
    with pytest.raises(SettingsError, match="too small for a mixed step") as caught:
        mixture_of(*how, "train.batch_size=12", processes=processes)
    assert f"--batch-size {smallest};" in caught.value.hint
    mixture_of(*how, f"train.batch_size={smallest}", processes=processes)
    passes = processes * accumulate
    assert f"--sampling balanced, which needs {3 * passes};" in caught.value.hint
    balanced = f"train.batch_size={3 * passes}"
    mixture_of(*how, "train.sampling=balanced", balanced, processes=processes)


@pytest.mark.parametrize(
    ("size", "processes", "accumulate", "works"),
    [(10, 4, 1, 8), (10, 1, 3, 9), (3, 2, 1, 4), (3, 1, 2, 4), (4, 2, 2, 8), (10, 2, 2, 8)],
)
def test_a_batch_that_cannot_be_shared_out(size, processes, accumulate, works):
    accumulated = f"train.accumulate={accumulate}"
    with pytest.raises(SettingsError, match=r"train\.batch_size") as caught:
        mixture_of(f"train.batch_size={size}", accumulated, processes=processes)
    assert f"--batch-size {works}" in caught.value.hint
    mixture_of(f"train.batch_size={works}", accumulated, processes=processes)


def test_one_share_for_each_data_set():
    with pytest.raises(SettingsError, match="2 numbers for 3 data sets") as caught:
        mixture_of("train.shares=1,2")
    assert "cihp, pascal, atr" in caught.value.hint


@pytest.mark.parametrize("asked", ["train.sampling=balanced", "train.shares=1,2,3"])
def test_photos_of_several_data_sets_have_no_share_of_one(asked):
    joined = [Group({"cihp": UNREAD, "atr": UNREAD}, ("a", "b")), *groups_of()]
    with pytest.raises(SettingsError, match=r"need data\.join_photos = false") as caught:
        mixture_of(asked, groups=joined)
    assert "joined photos" in caught.value.hint
    mixture_of(groups=joined)


def folders_of(*sizes, share=1.0):
    """ATR and CIHP joined, in a folder of each size; all but the first have a share."""
    both = {"atr": UNREAD, "cihp": UNREAD}
    return [
        Group(both, tuple(map(str, range(size))), share if number else 1.0)
        for number, size in enumerate(sizes)
    ]


def test_folders_have_shares_where_their_photos_are_joined():
    assert mixture_of(groups=folders_of(100, 300)).shares is None
    sampling = mixture_of(groups=folders_of(100, 300, share=2.0))
    assert [float(share) for share in sampling.fractions] == pytest.approx([1 / 7, 6 / 7])


def test_balanced_data_sets_share_out_what_they_have_among_their_folders():
    groups = [*groups_of({"cihp": 100, "pascal": 50, "atr": 50}), *groups_of({"cihp": 300})]
    sampling = mixture_of("train.sampling=balanced", groups=groups)
    assert [float(one) for one in sampling.fractions] == pytest.approx(
        [1 / 12, 1 / 3, 1 / 3, 1 / 4]
    )
    sampling = mixture_of("train.shares=1,2,1", groups=groups)
    assert [float(one) for one in sampling.fractions] == pytest.approx(
        [2 / 11, 2 / 11, 1 / 11, 6 / 11]
    )


def test_a_mixed_step_needs_every_data_set_but_not_every_folder():
    """A folder of a hundredth of the photos, all of whose data sets the other one has as well."""
    groups = folders_of(990, 10)
    mixture_of("train.mixing=mixed", "train.batch_size=4", groups=groups, processes=2)
    alone = [*folders_of(990), Group({"pascal": UNREAD}, tuple(map(str, range(10))))]
    with pytest.raises(SettingsError, match="too small for a mixed step"):
        mixture_of("train.mixing=mixed", "train.batch_size=4", groups=alone, processes=2)
