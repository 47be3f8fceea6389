"""Laws of the training data: what an epoch holds, and that photo and labels stay together."""

from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grapy_cli.data.augment.transforms import RandomMirror, RandomRotation, RandomWindow
from grapy_cli.data.batches import RankBatches, SamplingPlan
from grapy_cli.data.sample import Batch, Sample
from grapy_cli.labels import IGNORE, LABEL_SETS

sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple)
batch_sizes = st.integers(1, 12)
seeds = st.integers(0, 2**31)
epochs = st.integers(0, 200)


@st.composite
def mixtures(draw, mixing=None):
    """Mixtures of all kinds, not yet made: the type checker's dice may not roll in a strategy.

    The batches of mixed ones may be too small for every group.
    """
    groups = draw(sizes)
    shares = st.tuples(*[st.floats(0.25, 4)] * len(groups))
    return partial(
        SamplingPlan,
        groups,
        draw(batch_sizes),
        draw(seeds),
        mixing or draw(st.sampled_from(["alternate", "mixed"])),
        draw(st.none() | shares),
    )


plans = settings(max_examples=60)


def counts_of(plan, groups):
    """Photos of each group in each step."""
    return np.array([[sum(d.group == group for d in step) for group in groups] for step in plan])


@plans
@given(sizes, batch_sizes, seeds, epochs)
def test_an_epoch_holds_each_photo_at_most_once_unless_a_group_is_small(
    sizes, batch_size, seed, epoch
):
    plan = SamplingPlan(sizes, batch_size, seed).epoch(epoch)
    for group, size in enumerate(sizes):
        counts = Counter(draw.photo for step in plan for draw in step if draw.group == group)
        assert set(counts) <= set(range(size))
        if size >= batch_size:
            assert set(counts.values()) == {1}
            assert size - len(counts) < batch_size  # what waits for another epoch
        else:
            assert set(counts) == set(range(size))
            assert max(counts.values()) - min(counts.values()) <= 1


@plans
@given(mixtures(), epochs)
def test_steps_are_full_and_as_many_as_was_said(make, epoch):
    sampling = make()
    plan = sampling.epoch(epoch)
    assert len(plan) == sampling.steps
    assert {len(step) for step in plan} == {sampling.batch_size}
    assert {draw.epoch for step in plan for draw in step} == {epoch}


@plans
@given(mixtures(), epochs)
def test_shares_of_an_epoch_are_within_one_batch_of_what_was_asked(make, epoch):
    sampling = make()
    photos = counts_of(sampling.epoch(epoch), range(len(sampling.sizes))).sum(0)
    if sampling.mixing == "alternate" and sampling.shares is None:
        asked = np.maximum(sampling.sizes, sampling.batch_size)
    else:
        weights = np.array(sampling.shares or sampling.sizes)
        asked = weights / weights.sum() * sampling.steps * sampling.batch_size
    assert (abs(photos - asked) < sampling.batch_size + 1e-6).all()


@plans
@given(mixtures("alternate"), epochs)
def test_alternating_steps_hold_one_group_each(make, epoch):
    sampling = make()
    assert all(len({draw.group for draw in step}) == 1 for step in sampling.epoch(epoch))


@plans
@given(mixtures("mixed"), epochs)
def test_mixed_steps_are_alike(make, epoch):
    """A group's photos are spread as evenly over the steps as whole photos can be."""
    sampling = make()
    counts = counts_of(sampling.epoch(epoch), range(len(sampling.sizes)))
    assert (counts.max(0) - counts.min(0) <= 1).all()


@plans
@given(mixtures("mixed"), st.integers(1, 4), st.integers(1, 3), epochs)
def test_every_pass_of_a_mixed_step_sees_every_group(make, ranks, parts, epoch):
    sampling = make()
    passes = ranks * parts
    sampling = replace(sampling, batch_size=sampling.smallest_batch(passes))
    for step in sampling.epoch(epoch):
        for number in range(passes):
            groups = {draw.group for draw in step[number::passes]}
            assert groups == set(range(len(sampling.sizes)))


@plans
@given(mixtures("mixed"), st.integers(1, 6))
def test_no_smaller_batch_would_do_for_a_mixed_step(make, passes):
    """With one photo less for each pass, the rarest group has less than one for each."""
    sampling = make()
    smallest = sampling.smallest_batch(passes)
    assert smallest % passes == 0
    assert (smallest - passes) * min(sampling.fractions) < passes


@plans
@given(mixtures(), epochs)
def test_a_photo_comes_again_only_after_all_of_its_group(make, epoch):
    """And each time it is varied otherwise, in another order."""
    sampling = make()
    seen = Counter()
    for step in sampling.epoch(epoch):
        for draw in step:
            seen[draw.group, draw.photo, draw.times] += 1
    assert set(seen.values()) == {1}
    for group, size in enumerate(sampling.sizes):
        for times in range(1, 1 + max((t for g, _, t in seen if g == group), default=0)):
            earlier = [p for g, p, t in seen if g == group and t == times - 1]
            assert len(earlier) == size


@plans
@given(mixtures(), epochs)
def test_the_plan_depends_on_seed_and_epoch_alone(make, epoch):
    sampling = make()
    assert sampling.epoch(epoch) == make().epoch(epoch)


@pytest.mark.parametrize("mixing", ["alternate", "mixed"])
def test_other_epochs_and_seeds_have_other_plans(mixing):
    plans = [
        SamplingPlan((40, 30), 5, seed, mixing).epoch(epoch) for seed in (0, 1) for epoch in (0, 1)
    ]
    photos = [[(draw.group, draw.photo) for step in plan for draw in step] for plan in plans]
    assert len({str(plan) for plan in photos}) == 4


def test_a_small_group_starts_over_with_another_shuffle():
    draws = [draw for step in SamplingPlan((9,), 45).epoch(0) for draw in step]
    orders = [[draw.photo for draw in draws if draw.times == times] for times in range(5)]
    assert all(sorted(order) == list(range(9)) for order in orders)
    assert len({tuple(order) for order in orders}) == 5


def test_a_group_too_small_for_a_batch_of_every_epoch_gets_one_in_some():
    sampling = SamplingPlan((90, 10), 10, shares=(97.0, 3.0))
    counts = [counts_of(sampling.epoch(epoch), range(2)).sum() for epoch in range(3)]
    assert set(counts) == {100}
    rare = sum(counts_of(sampling.epoch(epoch), range(2))[:, 1].sum() for epoch in range(200))
    assert 0.015 < rare / (200 * 100) < 0.05


@plans
@given(mixtures(), st.integers(1, 4), st.integers(1, 4), st.data())
def test_the_shares_of_all_ranks_are_the_run(make, ranks, per_rank, data):
    sampling = make()
    sampling = replace(sampling, batch_size=ranks * per_rank)
    epoch, step = data.draw(st.integers(0, 2)), data.draw(st.integers(0, sampling.steps))
    shares = [list(RankBatches(sampling, 3, epoch, step, rank, ranks)) for rank in range(ranks)]
    plan = [draws for later in range(epoch, 3) for draws in sampling.epoch(later)][step:]
    for draws, *parts in zip(plan, *shares, strict=True):
        assert all(len(part) == per_rank for part in parts)
        assert Counter(draw for part in parts for draw in part) == Counter(draws)


@plans
@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_the_parts_of_a_batch_are_the_batch(count, per_part, data):
    """Photos of several label sets, dealt out: each keeps its own label maps."""
    names = st.sets(st.sampled_from("abc"), min_size=1)
    annotated = data.draw(st.lists(names, min_size=count * per_part, max_size=count * per_part))
    samples = [
        Sample(
            np.full((2, 3, 3), number, np.uint8),
            {name: np.full((2, 3), 10 * number + ord(name) - 97, np.uint8) for name in sorted(own)},
            str(number),
        )
        for number, own in enumerate(annotated)
    ]
    seen = {}
    for part in Batch.of(samples).parts(count):
        assert len(part.keys) == len(part.photos) == per_part
        for name, rows in part.rows.items():
            for row, label_map in zip(rows.tolist(), part.label_maps[name], strict=True):
                assert part.photos[row].unique().item() == int(part.keys[row])
                seen[int(part.keys[row]), name] = label_map.unique().item()
    assert seen == {
        (number, name): 10 * number + ord(name) - 97
        for number, own in enumerate(annotated)
        for name in own
    }


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
