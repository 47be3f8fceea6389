import math

import pytest
import torch

from grapy_cli.labels import LABEL_SETS, Level
from grapy_cli.model.grapy import ParsingLogits
from grapy_cli.settings.sections import LossSettings
from grapy_cli.train.losses import (
    count_labels,
    lift_logits,
    parsing_loss,
    sample_labels,
)
from grapy_cli.train.part_weights import balanced_weights
from grapy_cli.train.targets import Target

LOGITS = torch.tensor([[[[2.0, 0.0, -1.0]], [[0.0, 1.0, 5.0]]]])  # 1 photo, 2 parts, 1 x 3 pixels


def by_hand(*pairs):
    """Mean of -log softmax for pairs of logit difference (wrong minus right)."""
    return sum(math.log1p(math.exp(difference)) for difference in pairs) / len(pairs)


def loss_of(logits, label_map, **how):
    """The losses of photos that are labeled in the head's own set alone."""
    return parsing_loss(logits, Target(torch.arange(len(label_map)), label_map), **how)


def labels(*ids):
    return torch.tensor([[ids]], dtype=torch.uint8)


def test_cross_entropy_by_hand():
    losses = loss_of(ParsingLogits(None, LOGITS), labels(0, 1, 0))
    assert losses.total.item() == pytest.approx(by_hand(-2, -1, 6), rel=1e-6)
    assert losses.refined is None
    assert set(losses.values()) == {"main"}


def test_255_is_not_looked_at_and_not_counted():
    losses = loss_of(ParsingLogits(None, LOGITS), labels(0, 255, 255))
    assert losses.total.item() == pytest.approx(by_hand(-2), rel=1e-6)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 3.0])])
def test_a_batch_of_nothing_but_ignored_pixels_is_worth_nothing(weights):
    logits = LOGITS.clone().requires_grad_()
    losses = loss_of(ParsingLogits(None, logits), labels(255, 255, 255), part_weights=weights)
    losses.total.backward()
    assert losses.total.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_main_and_refined_are_weighed():
    losses = loss_of(
        ParsingLogits(LOGITS, -LOGITS), labels(0, 1, 0), weights=LossSettings(main=0.2, refined=0.8)
    )
    main, refined = by_hand(2, 1, -6), by_hand(-2, -1, 6)
    assert losses.total.item() == pytest.approx(0.2 * main + 0.8 * refined, rel=1e-6)
    assert losses.values() == {"main": losses.main, "refined": losses.refined}
    assert losses.main.item() == pytest.approx(main, rel=1e-6)
    assert losses.refined.item() == pytest.approx(refined, rel=1e-6)


def test_parts_are_weighed():
    weights = torch.tensor([1.0, 3.0])
    losses = loss_of(ParsingLogits(None, LOGITS), labels(0, 1, 255), part_weights=weights)
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
    small = sample_labels(label_map, 2, 2)
    assert loss_of(ParsingLogits(None, logits), small).total.item() < 1e-6


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


def halves(label_map, logits):
    return zip(logits.split(1), label_map.split(1), strict=True)


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 1.0, 3.0])])
@pytest.mark.parametrize("coarse", [0.0, 0.5])
def test_shares_of_a_mean_add_up_to_it(weights, coarse):
    """Two photos of which one has few labels: together, or apart with what both count."""
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 4, 4)
    label_map = torch.randint(0, 3, (2, 4, 4), dtype=torch.uint8)
    label_map[1, 1:] = 255
    how = {"part_weights": weights, "weights": LossSettings(coarse=coarse), "lifts": [[0, 1, 1]]}
    whole = loss_of(ParsingLogits(-logits, logits), label_map, **how)
    count = count_labels(label_map, weights)
    shares = [
        loss_of(ParsingLogits(-one, one), truth, **how, count=count)
        for one, truth in halves(label_map, logits)
    ]
    for name in ("total", *whole.values()):
        apart = sum(getattr(share, name) for share in shares)
        torch.testing.assert_close(apart, getattr(whole, name))
    alone = [loss_of(ParsingLogits(None, one), truth) for one, truth in halves(label_map, logits)]
    means = sum(loss.total for loss in alone) / 2
    assert abs(means - loss_of(ParsingLogits(None, logits), label_map).total) > 0.01


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=LABEL_SETS)
@pytest.mark.parametrize("weighed", [False, True])
def test_coarse_levels_by_explicit_sums(labels, weighed):
    """Probabilities by softmax, added up group by group, and the logarithm of the right one's."""
    random = torch.Generator().manual_seed(labels.num_parts)
    shape = (2, labels.num_parts, 3, 5)
    main, refined = (torch.randn(shape, generator=random, dtype=torch.float64) * 4 for _ in "12")
    label_map = torch.randint(0, labels.num_parts, (2, 3, 5), generator=random, dtype=torch.uint8)
    label_map[0, 0] = label_map[1, 2, 3] = 255
    weights = torch.rand(labels.num_parts, generator=random, dtype=torch.float64) + 0.5
    lifts = [labels.lift(level) for level in (Level.CATEGORY, Level.HUMAN)]
    expected, counted = 0.0, 0.0
    for share, logits in ((0.7, main), (2.0, refined)):
        probabilities = logits.softmax(1)
        for photo, row, column in (label_map != 255).nonzero().tolist():
            part = int(label_map[photo, row, column])
            weight = weights[part].item() if weighed else 1.0
            counted += weight / 2
            for lift in lifts:
                siblings = [other for other in range(labels.num_parts) if lift[other] == lift[part]]
                right = sum(probabilities[photo, other, row, column] for other in siblings)
                expected -= share * weight * math.log(right)
    how = {"part_weights": weights if weighed else None, "lifts": lifts}
    plain, losses = (
        loss_of(
            ParsingLogits(refined, main),
            label_map,
            weights=LossSettings(main=0.7, refined=2.0, coarse=coarse),
            **how,
        )
        for coarse in (0.0, 0.25)
    )
    assert losses.coarse.item() == pytest.approx(expected / counted)
    assert losses.total.item() == pytest.approx(plain.total.item() + 0.25 * expected / counted)
    assert plain.coarse is None


def test_lifted_logits_are_as_sure_as_their_parts_together():
    logits = torch.tensor([1e4, -1e4, 1e4, 0.0])[None, :, None, None]  # no softmax bears these
    lifted = lift_logits(logits, [0, 1, 1, 2])
    assert lifted.flatten().tolist() == pytest.approx([1e4, 1e4, 0.0])


def test_a_level_may_have_a_node_without_parts():
    """A label set of hands and faces has no legs: nothing is ever taken for them."""
    lifted = lift_logits(torch.zeros(1, 2, 1, 1), [0, 3])
    assert lifted.softmax(1).flatten().tolist() == pytest.approx([0.5, 0.0, 0.0, 0.5])
