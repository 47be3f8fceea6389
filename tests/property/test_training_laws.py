"""Laws of the training data: what an epoch holds, and that photo and labels stay together."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grapy_cli.data.batches import RankBatches, epoch_steps, plan_epoch
from grapy_cli.data.sample import Sample
from grapy_cli.data.transforms import RandomMirror, RandomRotation, RandomWindow
from grapy_cli.labels import IGNORE, LABEL_SETS

sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4)
batch_sizes = st.integers(1, 12)
seeds = st.integers(0, 2**31)


@given(sizes, batch_sizes, seeds, st.integers(0, 200))
def test_an_epoch_holds_each_photo_at_most_once_unless_a_group_is_small(
    sizes, batch_size, seed, epoch
):
    plan = plan_epoch(sizes, batch_size, seed=seed, epoch=epoch)
    assert len(plan) == epoch_steps(sizes, batch_size)
    assert all(len(batch.indices) == batch_size for batch in plan)
    for group, size in enumerate(sizes):
        counts = Counter(index for batch in plan if batch.group == group for index in batch.indices)
        assert set(counts) <= set(range(size))
        if size >= batch_size:
            assert set(counts.values()) == {1}
            assert size - len(counts) < batch_size  # what waits for another epoch
        else:
            assert set(counts) == set(range(size))
            assert max(counts.values()) - min(counts.values()) <= 1


@given(sizes, batch_sizes, seeds, st.integers(0, 200))
def test_the_plan_depends_on_seed_and_epoch_alone(sizes, batch_size, seed, epoch):
    plans = [plan_epoch(sizes, batch_size, seed=seed, epoch=epoch) for _ in range(2)]
    assert plans[0] == plans[1]


def test_other_epochs_and_seeds_have_other_plans():
    plans = [plan_epoch([40, 30], 5, seed=s, epoch=e) for s, e in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len({str(plan) for plan in plans}) == 4


@given(sizes, st.integers(1, 4), st.integers(1, 4), seeds, st.data())
def test_the_shares_of_all_ranks_are_the_batch(sizes, per_rank, ranks, seed, data):
    plan = plan_epoch(sizes, per_rank * ranks, seed=seed, epoch=3)
    start = data.draw(st.integers(0, len(plan)))
    shares = [RankBatches(plan, 3, rank, ranks, start) for rank in range(ranks)]
    assert {len(share) for share in shares} == {len(plan) - start}
    for batch, *parts in zip(plan[start:], *shares, strict=True):
        assert all(len(part) == per_rank for part in parts)
        draws = [draw for part in parts for draw in part]
        assert {(draw.epoch, draw.group) for draw in draws} == {(3, batch.group)}
        assert Counter(draw.photo for draw in draws) == Counter(batch.indices)


labels = st.sampled_from(list(LABEL_SETS.values()))


def sample_of(label_set, seed, height, width):
    """Labels in blocks; the photo's red is the label itself."""
    random = np.random.default_rng(seed)
    ids = np.array([*range(label_set.num_parts), IGNORE], np.uint8)
    blocks = random.choice(ids, (-(-height // 8), -(-width // 8)))
    label_map = np.ascontiguousarray(blocks.repeat(8, 0).repeat(8, 1)[:height, :width])
    return Sample(np.stack([label_map] * 3, 2), {label_set.name: label_map}, "key")


@given(labels, seeds, st.integers(1, 60), st.integers(1, 60))
def test_mirroring_twice_is_nothing(label_set, seed, height, width):
    sample = sample_of(label_set, seed, height, width)
    step = RandomMirror({label_set.name: label_set.mirror_ids})
    twice = step.mirror(step.mirror(sample))
    np.testing.assert_array_equal(twice.photo, sample.photo)
    np.testing.assert_array_equal(
        twice.label_maps[label_set.name], sample.label_maps[label_set.name]
    )


@given(labels, seeds, st.integers(8, 60), st.integers(8, 60), st.integers(8, 70), st.booleans())
def test_photo_and_labels_stay_together_in_a_window(
    label_set, seed, height, width, window, keep_aspect
):
    sample = sample_of(label_set, seed, height, width)
    step = RandomWindow((window, window + 3), keep_aspect=keep_aspect, padding_label=IGNORE)
    cut = step(sample, np.random.default_rng(seed))
    label_map = cut.label_maps[label_set.name]
    assert label_map.shape == cut.photo.shape[:2] == (window, window + 3)
    assert set(np.unique(label_map)) <= {*np.unique(sample.photo), IGNORE}
    # Inside a block the photo shows the label; near a border it is a mixture of several.
    inner = np.ones_like(label_map, bool)
    for axis in (0, 1):
        for shift in range(-3, 4):
            inner &= np.roll(label_map, shift, axis) == label_map
    inside = inner & (label_map != IGNORE)
    inside[[0, 1, 2, -1, -2, -3]] = inside[:, [0, 1, 2, -1, -2, -3]] = False
    differences = abs(cut.photo[:, :, 0].astype(int) - label_map)[inside]
    assert (differences <= 1).mean() > 0.9 if len(differences) > 50 else True


@given(labels, seeds, st.floats(0, 180))
def test_turning_makes_up_no_label(label_set, seed, degrees):
    sample = sample_of(label_set, seed, 40, 30)
    turned = RandomRotation(degrees)(sample, np.random.default_rng(seed))
    found = set(np.unique(turned.label_maps[label_set.name]))
    assert found <= {*np.unique(sample.photo), IGNORE}
