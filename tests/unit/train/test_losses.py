import math

import pytest
import torch

from grapy_cli.model.grapy import ParsingLogits
from grapy_cli.train.losses import balanced_weights, parsing_loss, sample_labels

LOGITS = torch.tensor([[[[2.0, 0.0, -1.0]], [[0.0, 1.0, 5.0]]]])  # 1 photo, 2 parts, 1 x 3 pixels


def by_hand(*pairs):
    """Mean of -log softmax for pairs of logit difference (wrong minus right)."""
    return sum(math.log1p(math.exp(difference)) for difference in pairs) / len(pairs)


def labels(*ids):
    return torch.tensor([[ids]], dtype=torch.uint8)


def test_cross_entropy_by_hand():
    losses = parsing_loss(ParsingLogits(None, LOGITS), labels(0, 1, 0))
    assert losses.total.item() == pytest.approx(by_hand(-2, -1, 6), rel=1e-6)
    assert losses.refined is None
    assert set(losses.values()) == {"main"}


def test_255_is_not_looked_at_and_not_counted():
    losses = parsing_loss(ParsingLogits(None, LOGITS), labels(0, 255, 255))
    assert losses.total.item() == pytest.approx(by_hand(-2), rel=1e-6)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 3.0])])
def test_a_batch_of_nothing_but_ignored_pixels_is_worth_nothing(weights):
    logits = LOGITS.clone().requires_grad_()
    losses = parsing_loss(ParsingLogits(None, logits), labels(255, 255, 255), part_weights=weights)
    losses.total.backward()
    assert losses.total.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_main_and_refined_are_weighed():
    losses = parsing_loss(
        ParsingLogits(LOGITS, -LOGITS), labels(0, 1, 0), main_weight=0.2, refined_weight=0.8
    )
    main, refined = by_hand(2, 1, -6), by_hand(-2, -1, 6)
    assert losses.total.item() == pytest.approx(0.2 * main + 0.8 * refined, rel=1e-6)
    assert losses.values() == {"main": losses.main, "refined": losses.refined}
    assert losses.main.item() == pytest.approx(main, rel=1e-6)
    assert losses.refined.item() == pytest.approx(refined, rel=1e-6)


def test_parts_are_weighed():
    weights = torch.tensor([1.0, 3.0])
    losses = parsing_loss(ParsingLogits(None, LOGITS), labels(0, 1, 255), part_weights=weights)
    assert losses.total.item() == pytest.approx((by_hand(-2) + 3 * by_hand(-1)) / 4, rel=1e-6)


def test_labels_are_taken_where_the_features_stand():
    """Corner pixels on corner pixels: of 9 pixels at stride 4 every fourth."""
    rows = torch.arange(9, dtype=torch.uint8)
    label_map = (rows[:, None] * 10 + rows)[None]
    taken = sample_labels(label_map, 3, 3)[0]
    assert taken.tolist() == [[0, 4, 8], [40, 44, 48], [80, 84, 88]]
    assert sample_labels(label_map, 9, 9) is label_map


def test_labels_under_small_logits_are_the_right_ones():
    label_map = torch.zeros(1, 5, 5, dtype=torch.uint8)
    label_map[:, :, 4] = 1
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 0, :, 0] = logits[:, 1, :, 1] = 50
    assert parsing_loss(ParsingLogits(None, logits), label_map).total.item() < 1e-6


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_balanced_weights_have_a_mean_of_one_over_pixels(strength):
    shares = {0: 0.7, 1: 0.25, 3: 0.05}
    weights = balanced_weights(shares, 5, strength)
    assert sum(shares[part] * weights[part] for part in shares) == pytest.approx(1)
    assert weights[2] == weights[4] == max(weights)
    assert weights[0] <= weights[1] <= weights[3]
    if strength == 0:
        assert weights == pytest.approx([1] * 5)
    if strength == 1:
        assert [shares[part] * weights[part] for part in shares] == pytest.approx([1 / 3] * 3)
