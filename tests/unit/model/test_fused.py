"""The pyramid in one pass over the features is the pyramid in the paper's order."""

from itertools import product

import pytest
import torch

from grapy_cli.labels import LABEL_SETS, LabelSet, Part
from grapy_cli.labels.label_set import BACKGROUND, HEAD, TORSO
from grapy_cli.model import fused
from grapy_cli.model.pyramid import GraphPyramid, PyramidNumbers
from tests.support.reference import fill_by_recipe

HEIGHT, WIDTH, CHANNELS = 6, 7, 8
BUST = LabelSet(
    "bust",
    "No arms and no legs",
    "",
    (
        Part("background", BACKGROUND, (0, 0, 0)),
        Part("head", HEAD, (255, 0, 0)),
        Part("torso", TORSO, (0, 255, 0)),
    ),
)
COMBINATIONS = list(product(("1-2-3", "3"), ("both", "mean", "max"), ("attention", "convolution")))


def build(levels, pooling, reasoning, labels):
    numbers = PyramidNumbers(levels, pooling, reasoning, rounds=2)
    pyramid = GraphPyramid([labels], CHANNELS, numbers).double()
    fill_by_recipe(pyramid)
    return pyramid


def photos(num_parts):
    """Features of either sign; parts spread, one part everywhere, two parts, and few parts."""
    generator = torch.Generator().manual_seed(0)
    shape = (4, CHANNELS, HEIGHT, WIDTH)
    features = torch.randn(shape, generator=generator, dtype=torch.float64)
    label_map = torch.randint(0, num_parts, (4, HEIGHT, WIDTH), generator=generator)
    label_map[1] = num_parts - 1
    features[1] = -features[1].abs()
    label_map[2] = (label_map[2] > num_parts // 2).long() * (num_parts - 1)
    label_map[3] = label_map[3].clamp(max=1)
    return features, label_map


def with_gradients(refine, pyramid, features, label_map, dataset):
    features = features.clone().requires_grad_()
    pyramid.zero_grad()
    refined = refine(features, label_map, dataset)
    (refined * torch.arange(refined.numel()).reshape(refined.shape).cos()).sum().backward()
    gradients = {name: value.grad for name, value in pyramid.named_parameters()}
    return refined, features.grad, gradients


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("labels", [*LABEL_SETS.values(), BUST], ids=lambda labels: labels.name)
@pytest.mark.parametrize(("levels", "pooling", "reasoning"), COMBINATIONS)
def test_values_and_gradients_are_the_same(levels, pooling, reasoning, labels, training):
    pyramid = build(levels, pooling, reasoning, labels).train(training)
    case = (pyramid, *photos(labels.num_parts), labels.name)
    plain, plain_slope, plain_slopes = with_gradients(pyramid, *case)

    def refine(*inputs):
        return fused.refine(pyramid, *inputs)

    folded, folded_slope, folded_slopes = with_gradients(refine, *case)
    close = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(folded, plain, **close)
    torch.testing.assert_close(folded_slope, plain_slope, **close)
    torch.testing.assert_close(folded_slopes, plain_slopes, **close)


@pytest.mark.parametrize("reasoning", ["attention", "convolution"])
def test_label_sets_without_some_category_share_the_coarse_levels(reasoning):
    pyramid = GraphPyramid([BUST, LABEL_SETS["cihp"]], 8, PyramidNumbers(reasoning=reasoning))
    features, label_map = torch.randn(2, 8, 4, 4), torch.randint(0, 3, (2, 4, 4))
    for dataset in ("bust", "cihp"):
        assert pyramid(features, label_map, dataset).shape == features.shape


def test_one_pixel_is_enough():
    pyramid = build("1-2-3", "both", "attention", LABEL_SETS["pascal"]).eval()
    features = torch.randn(1, CHANNELS, 1, 1, dtype=torch.float64)
    label_map = torch.zeros(1, 1, 1, dtype=torch.long)
    plain = pyramid(features, label_map, "pascal")
    torch.testing.assert_close(fused.refine(pyramid, features, label_map, "pascal"), plain)
