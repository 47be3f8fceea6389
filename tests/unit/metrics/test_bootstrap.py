import numpy as np
import pytest

from grapy_cli.metrics.bootstrap import intervals_of, replicate_weights
from grapy_cli.metrics.scores import means_of, totals_of


def test_a_photo_s_weights_come_from_its_key_alone():
    first = replicate_weights("a photo")
    np.testing.assert_array_equal(first, replicate_weights("a photo"))
    assert (first != replicate_weights("another")).any()
    assert first.shape == (1000,)
    assert first[:8].tolist() == [1, 3, 2, 5, 0, 2, 0, 5]  # on every machine, in every version


def test_weights_are_poisson():
    """Shares of 0, 1, 2, 3 among 300,000 are those of the distribution of mean 1."""
    weights = np.concatenate([replicate_weights(str(number)) for number in range(300)])
    shares = np.bincount(weights, minlength=4)[:4] / len(weights)
    np.testing.assert_allclose(shares, np.exp(-1) / np.array([1, 1, 2, 6]), atol=0.003)


def replicates_of(photos):
    return sum(
        replicate_weights(key)[:, None, None] * totals_of(counts) for key, counts in photos.items()
    )


@pytest.fixture
def photos():
    random = np.random.default_rng(0)
    return {f"photo {n}": random.integers(0, 50, (3, 3)) + np.eye(3, dtype=int) * 200
            for n in range(60)}  # fmt: skip


def test_the_interval_is_that_of_drawing_photos_with_replacement(photos):
    interval = intervals_of(replicates_of(photos))["mean_iou"]
    random = np.random.default_rng(1)
    totals = np.stack([totals_of(counts) for counts in photos.values()])
    drawn = [totals[random.integers(0, 60, 60)].sum(0) for _ in range(2000)]
    expected = np.quantile(means_of(np.stack(drawn))["mean_iou"], [0.025, 0.975])
    np.testing.assert_allclose(interval, expected, atol=0.1 * np.diff(expected)[0])


def test_the_order_of_photos_says_nothing(photos):
    backwards = dict(reversed(photos.items()))
    assert intervals_of(replicates_of(photos)) == intervals_of(replicates_of(backwards))


def test_without_photos_there_is_no_interval():
    assert intervals_of(np.zeros((1000, 3, 2), np.int64)) == {}
