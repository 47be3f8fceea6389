import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.doubt import disagreement, wrong_share

ATR, PASCAL = LABEL_SETS["atr"], LABEL_SETS["pascal"]


def sure(labels, *parts):
    """Logits of a photo one pixel high whose pixels certainly show these parts."""
    logits = torch.full((labels.num_parts, 1, len(parts)), -50.0)
    for column, part in enumerate(parts):
        logits[labels.names.index(part), 0, column] = 50.0
    return logits


def test_a_quiet_background_changes_nothing_and_a_doubtful_one_counts():
    trust, person = np.array([[0.8, 0.8, 1.0]]), np.array([[True, True, False]])
    assert wrong_share(trust, person) == pytest.approx(0.2)
    larger = np.pad(trust, ((0, 50), (0, 0)), constant_values=1), np.pad(person, ((0, 50), (0, 0)))
    assert wrong_share(*larger) == pytest.approx(0.2)
    overlooked = np.array([[0.8, 0.8, 0.6]])
    assert wrong_share(overlooked, person) == pytest.approx(0.8 / 2.4)


def test_a_photo_without_anybody_is_all_doubt():
    nobody = np.zeros((4, 4), bool)
    assert wrong_share(np.full((4, 4), 0.99), nobody) == pytest.approx(1)
    assert wrong_share(np.ones((4, 4), np.float32), nobody) == 1


shares = arrays(np.float64, (3, 4), elements=st.floats(0, 1, width=32))


@given(shares, shares, st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_doubt_is_a_share_and_falls_with_every_pixel_that_is_trusted_more(trust, person, more):
    share = wrong_share(trust, person)
    assert 0 <= share <= 1
    raised = trust.copy()
    raised[0, 0] = max(raised[0, 0], more)
    assert wrong_share(raised, person) <= share + 1e-9


def test_disagreement_is_where_two_stories_cannot_be_true_together():
    logits = [
        sure(ATR, "pants", "pants", "background", "background"),
        sure(PASCAL, "upper-leg", "head", "background", "torso"),
    ]
    found = disagreement(logits, [ATR, PASCAL], 1, 4)
    np.testing.assert_allclose(found, [[0, 1, 0, 1]], atol=1e-6)


def test_disagreement_has_the_size_of_the_photo_and_bounds():
    torch.manual_seed(0)
    logits = [torch.randn(18, 300, 5), torch.randn(7, 300, 5)]  # more rows than are held at once
    found = disagreement(logits, [ATR, PASCAL], 450, 10)
    assert found.shape == (450, 10)
    assert found.min() >= 0
    assert found.max() <= 1
    whole = disagreement(logits, [ATR, PASCAL], 300, 5)
    part = disagreement([one[:, 256:] for one in logits], [ATR, PASCAL], 44, 5)
    np.testing.assert_allclose(whole[256:], part, atol=1e-6)


def test_three_stories_are_compared_pair_by_pair():
    cihp = LABEL_SETS["cihp"]
    logits = [sure(ATR, "hat"), sure(PASCAL, "head"), sure(cihp, "left-shoe")]
    found = disagreement(logits, [ATR, PASCAL, cihp], 1, 1)
    np.testing.assert_allclose(found, [[2 / 3]], atol=1e-6)
