import numpy as np
import pytest

from grapy_cli.metrics.scores import exchange_of, lift_counts, means_of, scores_of, totals_of

COUNTS = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
"""The last part occurs nowhere."""


def test_scores_by_hand():
    scores = scores_of(COUNTS, ["background", "hat", "bag"])
    assert scores.parts["background"].iou == pytest.approx(8 / 11)
    assert scores.parts["hat"].iou == pytest.approx(3 / 6)
    assert scores.parts["hat"].accuracy == pytest.approx(3 / 4)
    assert scores.parts["hat"].f1 == pytest.approx(6 / 9)
    assert scores.mean_f1 == pytest.approx((16 / 19 + 6 / 9) / 2)
    assert scores.mean_iou == pytest.approx((8 / 11 + 3 / 6) / 2)
    assert scores.mean_accuracy == pytest.approx((8 / 10 + 3 / 4) / 2)
    assert scores.pixel_accuracy == pytest.approx(11 / 14)
    assert scores.weighted_iou == pytest.approx(10 / 14 * 8 / 11 + 4 / 14 * 3 / 6)


def test_a_part_that_occurs_nowhere_is_nothing_and_in_no_mean():
    scores = scores_of(COUNTS, ["background", "hat", "bag"])
    assert (scores.parts["bag"].iou, scores.parts["bag"].accuracy) == (None, None)


def test_a_part_that_is_parsed_but_never_true_counts_in_the_mean_iou_alone():
    scores = scores_of(np.array([[6, 2], [0, 0]]), ["background", "hat"])
    assert (scores.parts["hat"].iou, scores.parts["hat"].accuracy) == (0, None)
    assert scores.mean_iou == pytest.approx(6 / 8 / 2)
    assert scores.mean_accuracy == pytest.approx(6 / 8)


def test_nothing_counted_is_nothing_scored():
    scores = scores_of(np.zeros((2, 2), np.int64), ["background", "hat"])
    assert scores.mean_iou is scores.mean_accuracy is scores.pixel_accuracy is None
    assert scores.weighted_iou is None
    assert scores.parts["hat"].iou is None


def test_large_counts_keep_their_last_pixel():
    counts = np.array([[2**40, 1], [0, 2**40]])
    np.testing.assert_array_equal(lift_counts(counts, [0, 1], 2), counts)
    assert lift_counts(counts, [0, 0], 1)[0, 0] == 2**41 + 1
    assert scores_of(counts, ["background", "hat"]).pixel_accuracy < 1


def test_boundary_iou_by_hand():
    boundary = np.array([[4, 0, 0], [6, 5, 0], [6, 0, 0]])
    scores = scores_of(COUNTS, ["background", "hat", "bag"], boundary=boundary)
    ratios = [part.boundary_iou for part in scores.parts.values()]
    assert ratios == [pytest.approx(4 / 8), 0, None]
    assert scores.boundary_iou == pytest.approx(1 / 4)
    assert scores_of(COUNTS, ["background", "hat", "bag"]).boundary_iou is None


def test_left_and_right_exchanged():
    """Of 20 pixels found as one arm or the other 5 are the wrong one; the bag is no concern."""
    counts = np.array([[10, 2, 7], [3, 5, 9], [4, 4, 50]])
    assert exchange_of(counts, (1, 0, 2)) == pytest.approx(5 / 20)
    assert exchange_of(counts, (0, 1, 2)) is None
    assert exchange_of(np.zeros((2, 2), int), (1, 0)) is None


def test_many_scores_at_once_are_those_one_by_one():
    many = np.random.default_rng(0).integers(0, 9, (5, 4, 4))
    many[0] = 0
    many[1, 2] = many[1, :, 2] = 0
    means = means_of(np.stack([totals_of(counts) for counts in many]))
    for index, counts in enumerate(many):
        scores = scores_of(counts, "abcd")
        for name, values in means.items():
            one = getattr(scores, name)
            assert np.isnan(values[index]) if one is None else values[index] == one
