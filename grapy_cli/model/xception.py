"""Aligned Xception-65, the paper's backbone."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.model.convolutions import ConvNorm, SeparableConv, widened


class BackboneFeatures(NamedTuple):
    """The output of a backbone: deep features, and finer ones at stride 4."""

    deep: Float[Tensor, "b c h w"]
    low_level: Float[Tensor, "b d h4 w4"]
    middle: Mapping[int, Tensor] = MappingProxyType({})
    """Features by stride, 8 and 16, of backbones that have them."""


class Block(nn.Module):
    """Three separable convolutions beside a shortcut.

    The first ReLU rectifies the *input* of the block, so the shortcut gets relu(x) as well.

    Differs: a textbook block sends x through the shortcut. The ReLU of the reference works in
        place on the input, and its checkpoints were trained that way.
    """

    def __init__(
        self, channels: tuple[int, int, int, int], *, stride: int, dilation: int, rectify: bool
    ) -> None:
        super().__init__()
        first, second, third, last = channels
        self.separables = nn.ModuleList(
            [
                SeparableConv(first, second, dilation=dilation, relu=False),
                SeparableConv(second, third, dilation=dilation, relu=False),
                SeparableConv(third, last, stride=stride, dilation=dilation, relu=False),
            ]
        )
        same = stride == 1 and first == last
        self.shortcut = nn.Identity() if same else ConvNorm(first, last, stride=stride, relu=False)
        self.rectify = rectify

    def forward(
        self, features: Float[Tensor, "b c h w"]
    ) -> tuple[Float[Tensor, "b e u v"], Float[Tensor, "b d h w"]]:
        """Return the output, and the features before the last convolution and its ReLU."""
        inputs = F.relu(features) if self.rectify else features
        first, second, third = self.separables
        inner = second(F.relu(first(inputs)))
        return third(F.relu(inner)) + self.shortcut(inputs), inner


class Xception(nn.Module):
    """Turn images into deep features at the output stride and low-level features at stride 4.

    Args:
        output_stride: 8, 16 (the paper's) or 32; below 32, strides turn into dilations.
        width: Multiplies every channel count; 1 is the paper's network.

    Source: Chen et al. 2018 (DeepLab v3+), as the reference implementation builds it.
    Differs: at output stride 8 the reference fails, and its third block lacks a convolution.
        Here only strides and dilations change, so one checkpoint fits all strides.
    """

    OUTPUT_STRIDE: ClassVar[int] = 16
    MIDDLE: ClassVar[tuple[int, ...]] = ()
    """Strides besides 4 whose features are returned as well."""

    def __init__(self, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__()
        self.middle_channels: Mapping[int, int] = {}
        c32, c64, c128, c256, c728, c1024, c1536, c2048 = (
            widened(channels, width) for channels in (32, 64, 128, 256, 728, 1024, 1536, 2048)
        )
        middle_dilation, exit_dilation = {32: (1, 1), 16: (1, 2), 8: (2, 4)}[output_stride]
        entry_stride = 1 if output_stride == 8 else 2
        last_stride = 2 if output_stride == 32 else 1
        self.stem = nn.Sequential(ConvNorm(3, c32, 3, stride=2), ConvNorm(c32, c64, 3))
        self.entry = nn.ModuleList(
            [
                Block((c64, c128, c128, c128), stride=2, dilation=1, rectify=False),
                Block((c128, c256, c256, c256), stride=2, dilation=1, rectify=True),
                Block((c256, c728, c728, c728), stride=entry_stride, dilation=1, rectify=True),
            ]
        )
        self.middle = nn.ModuleList(
            Block((c728, c728, c728, c728), stride=1, dilation=middle_dilation, rectify=True)
            for _ in range(16)
        )
        self.last = Block(
            (c728, c728, c1024, c1024), stride=last_stride, dilation=middle_dilation, rectify=True
        )
        self.exit = nn.Sequential(
            *(
                SeparableConv(inputs, outputs, dilation=exit_dilation, relu=True)
                for inputs, outputs in ((c1024, c1536), (c1536, c1536), (c1536, c2048))
            )
        )
        self.deep_channels = c2048
        self.low_level_channels = c256

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> BackboneFeatures:
        """Encode images, RGB in [-1, 1]; the low-level features may be negative."""
        first, second, third = self.entry
        features, _ = first(self.stem(images))
        features, low_level = second(features)
        features, _ = third(features)
        for block in (*self.middle, self.last):
            features, _ = block(features)
        return BackboneFeatures(self.exit(features), low_level)
