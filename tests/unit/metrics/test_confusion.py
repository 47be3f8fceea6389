import numpy as np
import pytest

from grapy_cli.labels import IGNORE
from grapy_cli.metrics.confusion import count_pairs


def ids(*rows):
    return np.array(rows, np.uint8)


def test_rows_are_the_truth():
    counts = count_pairs(ids([0, 1, 1], [2, 2, 0]), ids([0, 0, 1], [2, 1, 0]), 3)
    np.testing.assert_array_equal(counts, [[2, 1, 0], [0, 1, 1], [0, 0, 1]])
    assert counts.dtype == np.int64


def test_ignored_pixels_count_for_nothing_whatever_was_parsed_there():
    counts = count_pairs(ids([0, 1, 9, IGNORE]), ids([0, IGNORE, IGNORE, IGNORE]), 2)
    np.testing.assert_array_equal(counts, [[1, 0], [0, 0]])


@pytest.mark.parametrize(
    ("mask", "truth", "named"),
    [
        ([0, 7], [0, 1], "ids 7 lie"),
        ([0, 1], [0, 40], "ids 40 lie"),
        ([0, IGNORE], [0, 1], "ids 255 lie"),  # nothing may be parsed as ignore
        ([8, 1], [0, 9], "ids 8, 9 lie"),
        (list(range(20)), list(range(20)), "ids 7, 8, 9, 10, 11, … lie"),
    ],
)
def test_ids_outside_the_label_set_are_named(mask, truth, named):
    with pytest.raises(ValueError, match=named):
        count_pairs(ids(mask), ids(truth), 7)


def test_the_last_id_there_may_be():
    counts = count_pairs(ids([254]), ids([254]), 255)
    assert counts[254, 254] == counts.sum() == 1


def test_counts_beyond_the_integers_of_float32():
    """2^24 + 1 pixels: where a sum of 32-bit floats would stop growing."""
    pixels = np.zeros((4097, 4096), np.uint8)
    pixels[-1, 1:] = IGNORE
    counts = count_pairs(pixels, pixels, 2)
    assert counts[0, 0] == 2**24 + 1
    assert (counts + 2**53)[0, 0] == 2**53 + 2**24 + 1


def test_views_of_arrays_are_counted_as_their_copies_are():
    random = np.random.default_rng(0)
    mask, truth = (random.integers(0, 4, (30, 41), np.uint8) for _ in range(2))
    for view in (np.s_[:, ::-1], np.s_[::-2, 3:], np.s_[5:9, ::3]):
        copies = (np.ascontiguousarray(ids[view]) for ids in (mask, truth))
        np.testing.assert_array_equal(
            count_pairs(mask[view], truth[view], 4), count_pairs(*copies, 4)
        )
    np.testing.assert_array_equal(count_pairs(mask.T, truth.T, 4), count_pairs(mask, truth, 4))
