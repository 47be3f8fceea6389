import numpy as np
import pytest

from grapy_cli.metrics.reference import count_pairs_as_reference, fit_to_truth


def ids(*rows):
    return np.array(rows, np.uint8)


def test_an_id_outside_spills_into_the_next_true_part():
    counts = count_pairs_as_reference(ids([0, 2, 1]), ids([0, 0, 1]), 2)
    np.testing.assert_array_equal(counts, [[1, 0], [1, 1]])  # 0 taken for 2 counts as 1 for 0


def test_a_true_id_outside_is_left_out_like_255():
    counts = count_pairs_as_reference(ids([0, 1, 1]), ids([0, 7, 255]), 2)
    np.testing.assert_array_equal(counts, [[1, 0], [0, 0]])


def test_where_the_reference_breaks_off_so_do_we():
    with pytest.raises(ValueError, match="id 2 lies outside the 2 parts"):
        count_pairs_as_reference(ids([2]), ids([1]), 2)


def test_another_size_is_resized_by_the_filter_that_invents_ids():
    mask = np.zeros((8, 8), np.uint8)
    mask[:, 4:] = 17
    fitted = fit_to_truth(mask, np.zeros((16, 16), np.uint8))
    assert fitted.shape == (16, 16)
    assert not set(np.unique(fitted)) <= {0, 17}
    assert fit_to_truth(mask, np.zeros((8, 8), np.uint8)) is mask
