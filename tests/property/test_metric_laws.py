"""What holds for any masks and any truth."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from grapy_cli.labels import IGNORE, LABEL_SETS, Level
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import lift_counts, scores_of

LABELS = LABEL_SETS["atr"]
PARTS = st.integers(0, LABELS.num_parts - 1)
TRUTHS = PARTS | st.just(IGNORE)


@st.composite
def parsed_photos(draw):
    """A mask and its truth."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=9))
    masks = arrays(np.uint8, shape, elements=PARTS)
    return draw(masks), draw(arrays(np.uint8, shape, elements=TRUTHS))


def count(mask, truth):
    return count_pairs(mask, truth, LABELS.num_parts)


@given(parsed_photos())
def test_counts_are_what_counting_one_by_one_gives(photo):
    mask, truth = photo
    expected = np.zeros((LABELS.num_parts,) * 2, np.int64)
    for parsed, true in zip(mask.ravel(), truth.ravel(), strict=True):
        if true != IGNORE:
            expected[true, parsed] += 1
    np.testing.assert_array_equal(count(mask, truth), expected)


@given(st.lists(parsed_photos(), min_size=1, max_size=4))
def test_counts_add_like_concatenation(photos):
    one_by_one = sum(count(*photo) for photo in photos)
    mask, truth = (np.concatenate([photo[i].ravel() for photo in photos])[None] for i in range(2))
    np.testing.assert_array_equal(count(mask, truth), one_by_one)


@given(parsed_photos())
def test_coarse_counts_are_those_of_the_coarse_maps(photo):
    mask, truth = photo
    counts = count(mask, truth)
    for level in Level:
        lift = np.full(256, IGNORE, np.uint8)
        lift[: LABELS.num_parts] = LABELS.lift(level)
        nodes = len(LABELS.nodes(level))
        lifted = lift_counts(counts, LABELS.lift(level), nodes)
        np.testing.assert_array_equal(lifted, count_pairs(lift[mask], lift[truth], nodes))


@given(parsed_photos())
def test_scores_lie_between_0_and_1_and_coarser_is_never_less_accurate(photo):
    counts = count(*photo)
    accuracies = []
    for level in sorted(Level, reverse=True):
        names = [node.name for node in LABELS.nodes(level)]
        scores = scores_of(lift_counts(counts, LABELS.lift(level), len(names)), names)
        ratios = [scores.mean_iou, scores.mean_accuracy, scores.pixel_accuracy, scores.weighted_iou]
        ratios += [ratio for part in scores.parts.values() for ratio in (part.iou, part.accuracy)]
        assert all(0 <= ratio <= 1 for ratio in ratios if ratio is not None)
        accuracies.append(scores.pixel_accuracy or 0)
    assert accuracies == sorted(accuracies)


@given(parsed_photos())
def test_the_truth_itself_scores_1(photo):
    _, truth = photo
    scores = scores_of(
        count(np.where(truth == IGNORE, 0, truth).astype(np.uint8), truth), LABELS.names
    )
    for name in ("mean_iou", "mean_accuracy", "pixel_accuracy", "weighted_iou", "mean_f1"):
        assert getattr(scores, name) in (1, None)
