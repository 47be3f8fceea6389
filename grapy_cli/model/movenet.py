"""The encoders of Google's MoveNet pose networks: MobileNetV2 trained on people.

Source: Sandler et al. 2018 (inverted blocks); MoveNet SinglePose Thunder v4 and MultiPose
Lightning v1 (Google, Apache-2.0), whose batch norms are folded into their convolutions.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from grapy_cli.model.efficientnet import ConvNorm6, InvertedBlock
from grapy_cli.model.xception import BackboneFeatures

ENCODER_PREFIX = "encoder."
"""Prefix of the encoder's tensors in a MoveNet file; the rest is a name of this backbone."""


class BlockGroup(NamedTuple):
    """Inverted blocks of equal output: the first has the stride, the others add their input."""

    blocks: int
    stride: int
    expansion: int
    channels: int


class MoveNetEncoder(nn.Module):
    """Turn images into deep features and finer ones. There is no batch norm: it is folded in.

    Below an output stride of 32 the last group keeps its resolution: its first block has no
    stride, and the blocks after it are dilated. So every second feature is exactly that of the
    network at stride 32.

    Args:
        output_stride: 16 or 32.
        width: Multiplies every channel count; 1 is the published network.
    """

    STEM: ClassVar[int]
    GROUPS: ClassVar[tuple[BlockGroup, ...]]
    OUTPUT_STRIDE: ClassVar[int] = 32
    MIDDLE: ClassVar[tuple[int, ...]] = (8, 16)
    """Strides besides 4 whose features are returned as well."""

    def __init__(self, *, output_stride: int = 32, width: float = 1.0) -> None:
        super().__init__()

        def wide(channels: int) -> int:
            return max(4, round(channels * width))

        channels = wide(self.STEM)
        self.stem = ConvNorm6(3, channels, 3, stride=2, norm=False)
        self.blocks = nn.ModuleList()
        self.taps: dict[int, int] = {}
        nominal, dilation = 2, 1
        tap_channels: dict[int, int] = {}
        for group in self.GROUPS:
            nominal *= group.stride
            loses_stride = group.stride > 1 and nominal > output_stride
            for index in range(group.blocks):
                self.blocks.append(
                    InvertedBlock(
                        channels,
                        wide(group.channels),
                        kernel=3,
                        stride=group.stride if index == 0 and not loses_stride else 1,
                        dilation=dilation,
                        expansion=group.expansion,
                        norm=False,
                    )
                )
                channels = wide(group.channels)
                if index == 0 and loses_stride:
                    dilation *= group.stride
            self.taps[nominal] = len(self.blocks) - 1
            tap_channels[nominal] = channels
        self.deep_channels = channels
        self.low_level_channels = tap_channels[4]
        self.middle_channels: Mapping[int, int] = {8: tap_channels[8], 16: tap_channels[16]}

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> BackboneFeatures:
        """Encode images, RGB in [-1, 1]."""
        features = self.stem(images)
        taps = {index: stride for stride, index in self.taps.items()}
        kept = {}
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in taps:
                kept[taps[index]] = features
        return BackboneFeatures(features, kept[4], {8: kept[8], 16: kept[16]})


class MoveNetThunder(MoveNetEncoder):
    """The encoder of SinglePose Thunder: MobileNetV2 of width 1.75."""

    STEM = 56
    GROUPS = (
        # blocks, stride, expansion, channels
        BlockGroup(1, 1, 1, 32),
        BlockGroup(2, 2, 6, 40),
        BlockGroup(3, 2, 6, 56),
        BlockGroup(4, 2, 6, 112),
        BlockGroup(3, 1, 6, 168),
        BlockGroup(3, 2, 6, 280),
        BlockGroup(1, 1, 6, 560),
    )


class MoveNetMultiPose(MoveNetEncoder):
    """The encoder of MultiPose Lightning, somewhat smaller: width 1.5."""

    STEM = 48
    GROUPS = (
        # blocks, stride, expansion, channels
        BlockGroup(1, 1, 1, 24),
        BlockGroup(2, 2, 6, 40),
        BlockGroup(3, 2, 6, 48),
        BlockGroup(4, 2, 6, 96),
        BlockGroup(3, 1, 6, 144),
        BlockGroup(3, 2, 6, 240),
        BlockGroup(1, 1, 6, 480),
    )


def encoder_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the backbone's tensors of a MoveNet file, without its head and its FPN."""
    return {
        key.removeprefix(ENCODER_PREFIX): tensor
        for key, tensor in state.items()
        if key.startswith(ENCODER_PREFIX) and not key.startswith(f"{ENCODER_PREFIX}head.")
    }
