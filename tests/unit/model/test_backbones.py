import pytest
import torch

from grapy_cli.model.deeplab import DeepLabV3Plus, resize
from grapy_cli.model.efficientnet import EfficientNetLite0, EfficientNetLite2, rename_encoder
from grapy_cli.model.grapy import NetworkNumbers
from grapy_cli.model.movenet import MoveNetMultiPose, MoveNetThunder
from grapy_cli.model.xception import Block, Xception

BACKBONES = [Xception, EfficientNetLite0, EfficientNetLite2, MoveNetThunder, MoveNetMultiPose]
SIZES = [(64, 64), (65, 97), (33, 50), (7, 3), (1, 1)]


def steps(size, stride):
    """How many steps of a stride cover a size."""
    return tuple(-(-side // stride) for side in size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stride", [8, 16, 32])
@pytest.mark.parametrize("build", BACKBONES)
def test_features_have_the_size_of_their_stride(build, stride, size):
    backbone = build(output_stride=stride, width=0.05).eval()
    with torch.inference_mode():
        features = backbone(torch.rand(2, 3, *size) * 2 - 1)
    assert features.deep.shape == (2, backbone.deep_channels, *steps(size, stride))
    assert features.low_level.shape == (2, backbone.low_level_channels, *steps(size, 4))
    assert tuple(features.middle) == build.MIDDLE
    for middle, finer in features.middle.items():
        channels = backbone.middle_channels[middle]
        assert finer.shape == (2, channels, *steps(size, min(middle, stride)))


@pytest.mark.parametrize("build", BACKBONES)
def test_one_state_fits_every_output_stride(build):
    state = build(output_stride=16, width=0.05).state_dict()
    for stride in (8, 32):
        build(output_stride=stride, width=0.05).load_state_dict(state)


@pytest.mark.parametrize("stride", [8, 16])
@pytest.mark.parametrize("build", BACKBONES)
def test_dilated_features_hold_those_of_stride_32(build, stride):
    torch.manual_seed(0)
    plain = build(output_stride=32, width=0.1).eval()
    dilated = build(output_stride=stride, width=0.1).eval()
    dilated.load_state_dict(plain.state_dict())
    images = torch.rand(1, 3, 97, 65) * 2 - 1
    every = 32 // stride
    with torch.inference_mode():
        deep = dilated(images).deep[:, :, ::every, ::every]
        torch.testing.assert_close(deep, plain(images).deep)


def test_full_size_is_the_paper_s():
    with torch.device("meta"):
        backbone = Xception()
    assert (backbone.deep_channels, backbone.low_level_channels) == (2048, 256)
    assert len(backbone.middle) == 16


@pytest.mark.parametrize(
    ("build", "blocks", "channels", "parameters"),
    [(EfficientNetLite0, 16, (320, 24), 2_958_848), (EfficientNetLite2, 21, (352, 24), 4_357_952)],
)
def test_efficientnets_are_the_published_ones(build, blocks, channels, parameters):
    """Parameters are those of the ImageNet weights less head and classifier."""
    with torch.device("meta"):
        backbone = build()
    assert len(backbone.blocks) == blocks
    assert (backbone.deep_channels, backbone.low_level_channels) == channels
    assert sum(value.numel() for value in backbone.parameters()) == parameters


@pytest.mark.parametrize("build", BACKBONES)
def test_a_backbone_trains_at_any_width(build):
    backbone = build(width=0.05)
    features = backbone(torch.rand(2, 3, 33, 33))
    (features.deep.sum() + features.low_level.sum()).backward()
    assert all(value.grad is not None for value in backbone.parameters())


def test_the_shortcut_sees_the_rectified_input():
    block = Block((4, 4, 4, 4), stride=1, dilation=1, rectify=True).eval()
    features = torch.randn(1, 4, 5, 5)
    torch.testing.assert_close(block(features)[0], block(features.relu())[0])
    assert (features < 0).any()  # and the input itself is left alone


def test_low_level_features_may_be_negative():
    torch.manual_seed(0)
    features = Xception(width=0.1).eval()(torch.rand(1, 3, 32, 32))
    assert (features.low_level < 0).any()


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_dilations_grow_as_the_output_stride_shrinks(stride):
    deeplab = DeepLabV3Plus(
        Xception(output_stride=stride, width=0.05),
        rates=NetworkNumbers(output_stride=stride).dilations,
        features=8,
        low_level=4,
    ).eval()
    rates = [branch.depthwise.dilation[0] for branch in deeplab.aspp.branches[1:]]
    assert rates == [96 // stride, 192 // stride, 288 // stride]
    with torch.inference_mode():
        features = deeplab(torch.rand(1, 3, 65, 50))
    assert features.shape == (1, 8, 17, 13)
    assert (features >= 0).all()


def test_resizing_keeps_the_corners():
    small = torch.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    large = torch.tensor([[[[0, 0.5, 1], [1, 1.5, 2], [2, 2.5, 3]]]])
    torch.testing.assert_close(resize(small, 3, 3), large)


def test_published_encoder_names_are_ours():
    published = {
        "_conv_stem.weight": 0, "_bn0.bias": 1, "_blocks.3._expand_conv.weight": 2,
        "_blocks.3._bn0.running_mean": 3, "_blocks.3._depthwise_conv.weight": 4,
        "_blocks.3._bn1.weight": 5, "_blocks.12._project_conv.weight": 6, "_blocks.12._bn2.bias": 7,
    }  # fmt: skip
    state = {name: torch.tensor(value) for name, value in published.items()}
    with torch.device("meta"):
        ours = EfficientNetLite0().state_dict()
    renamed = rename_encoder(state)
    assert set(renamed) <= set(ours)
    assert [int(value) for value in renamed.values()] == list(range(8))
