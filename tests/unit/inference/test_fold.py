"""The form for inference answers as the network does."""

import copy

import pytest
import torch
from torch import nn

from grapy_cli.inference.fold import FoldedConv, encode_in_bf16, fold_for_inference
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers
from tests.support.reference import fill_by_recipe

SETS = [LABEL_SETS["pascal"], LABEL_SETS["atr"]]


def build(backbone, dtype=torch.float32):
    numbers = NetworkNumbers(backbone, 16, 0.1, 8, 4, PyramidNumbers(rounds=1))
    network = build_network(numbers, SETS).to(dtype)
    fill_by_recipe(network)
    torch.manual_seed(0)  # rounding depends on the numbers: the same ones on every run
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # so that every number of it matters
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def images(dtype=torch.float32):
    return torch.rand(2, 3, 49, 65, generator=torch.Generator().manual_seed(1)).to(dtype) * 2 - 1


@pytest.mark.parametrize("backbone", ["xception65", "efficientnet_lite0", "movenet_thunder"])
def test_logits_are_the_same(backbone):
    network = build(backbone)
    folded = fold_for_inference(copy.deepcopy(network))
    assert not any(isinstance(one, nn.BatchNorm2d) for one in folded.modules())
    with torch.inference_mode():
        for labels in SETS:
            ours, theirs = folded(images(), labels.name), network(images(), labels.name)
            for one, other in zip(ours, theirs, strict=True):
                assert (one - other).abs().max() <= 1e-5 * other.abs().max()


@pytest.mark.parametrize("backbone", ["xception65", "efficientnet_lite0", "movenet_thunder"])
def test_where_onednn_has_no_such_operation_plain_ones_do_it(backbone):
    """Doubles are not its business, and with them the difference must vanish."""
    network = build(backbone, torch.float64)
    folded = fold_for_inference(copy.deepcopy(network))
    with torch.inference_mode():
        ours = folded(images(torch.float64), "atr").refined
        theirs = network(images(torch.float64), "atr").refined
    assert (ours - theirs).abs().max() <= 1e-12 * theirs.abs().max()


@pytest.mark.parametrize("activation", ["none", "relu", "relu6"])
def test_both_ways_of_convolving_agree(activation, monkeypatch):
    torch.manual_seed(0)
    conv = FoldedConv(nn.Conv2d(3, 5, 3, 2, 1), activation)
    features = torch.randn(2, 3, 9, 8).to(memory_format=torch.channels_last) * 20
    with torch.inference_mode():
        one = conv(features)
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        other = conv(features)
    torch.testing.assert_close(one, other)
    assert one.max() == 6 if activation == "relu6" else one.max() > 6
    assert (one.min() < 0) == (activation == "none")


def test_a_convolution_that_was_used_takes_other_sizes_and_can_be_copied():
    """It keeps its weight in an order made for the first size, which is no ordinary tensor."""
    conv = FoldedConv(nn.Conv2d(24, 48, 1), "none")
    with torch.inference_mode():
        for size in ((1, 24, 20, 20), (2, 24, 7, 33), (1, 24, 40, 40), (1, 24, 1, 1)):
            features = torch.randn(size).to(memory_format=torch.channels_last)
            torch.testing.assert_close(conv(features), conv.conv(features))
        torch.testing.assert_close(copy.deepcopy(conv)(features), conv(features))
        rough = conv.to(torch.bfloat16)(features.bfloat16())
        assert (rough - conv.conv(features.bfloat16())).abs().max() < 0.05


@pytest.mark.parametrize("fused", [True, False])
def test_bf16_is_near_and_decides_in_float32(fused, monkeypatch):
    network = build("efficientnet_lite0")
    folded = fold_for_inference(copy.deepcopy(network))
    half = encode_in_bf16(copy.deepcopy(folded))
    if not fused:
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    with torch.inference_mode():
        features, plain = half.encode(images()), folded.encode(images())
        logits = half.parse(features, "atr")
    assert features.dtype == logits.refined.dtype == torch.float32
    assert {one.dtype for one in half.deeplab.parameters()} == {torch.bfloat16}
    assert {one.dtype for one in half.main_heads.parameters()} == {torch.float32}
    difference = (features - plain).abs().max() / plain.abs().max()
    assert 0 < difference < 0.1
