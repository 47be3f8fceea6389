import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grapy_cli.inference.doubt import wrong_share


def test_a_quiet_background_changes_nothing_and_a_doubtful_one_counts():
    trust, person = np.array([[0.8, 0.8, 1.0]]), np.array([[True, True, False]])
    assert wrong_share(trust, person) == pytest.approx(0.2)
    larger = np.pad(trust, ((0, 50), (0, 0)), constant_values=1), np.pad(person, ((0, 50), (0, 0)))
    assert wrong_share(*larger) == pytest.approx(0.2)
    overlooked = np.array([[0.8, 0.8, 0.6]])  # points at an edge count half
    assert wrong_share(overlooked, person) == pytest.approx(0.5 / 1.7)


def test_a_photo_without_anybody_is_all_doubt():
    nobody = np.zeros((4, 4), bool)
    assert wrong_share(np.full((4, 4), 0.99), nobody) == pytest.approx(1)
    assert wrong_share(np.ones((4, 4), np.float32), nobody) == 1


shares = arrays(np.float64, (3, 4), elements=st.floats(0, 1, width=32))


@given(shares, shares, st.floats(0, 1))
@settings(max_examples=50)
def test_doubt_is_a_share_and_falls_with_every_pixel_that_is_trusted_more(trust, person, more):
    share = wrong_share(trust, person)
    assert 0 <= share <= 1
    raised = trust.copy()
    raised[0, 0] = max(raised[0, 0], more)
    assert wrong_share(raised, person) <= share + 1e-9
