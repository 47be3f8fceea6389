"""EfficientNet-Lite, small backbones; the embedded weights use Lite0."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from math import ceil
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.model.xception import BackboneFeatures

BLOCK_GROUPS = (
    # blocks, kernel, stride, expansion, channels (Tan and Le 2019, Table 1; Lite: no squeeze)
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

# Names in the published ImageNet encoder -> our names.
ENCODER_RENAMES = (
    (r"^_conv_stem\.", "stem.conv."),
    (r"^_bn0\.", "stem.norm."),
    (r"^_blocks\.(\d+)\._expand_conv\.", r"blocks.\1.expand.conv."),
    (r"^_blocks\.(\d+)\._bn0\.", r"blocks.\1.expand.norm."),
    (r"^_blocks\.(\d+)\._depthwise_conv\.", r"blocks.\1.depthwise.conv."),
    (r"^_blocks\.(\d+)\._bn1\.", r"blocks.\1.depthwise.norm."),
    (r"^_blocks\.(\d+)\._project_conv\.", r"blocks.\1.project.conv."),
    (r"^_blocks\.(\d+)\._bn2\.", r"blocks.\1.project.norm."),
)


def rename_encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give an ImageNet encoder's tensors the names of this backbone."""
    renamed = {}
    for key, tensor in state.items():
        for pattern, name in ENCODER_RENAMES:
            key = re.sub(pattern, name, key)
        renamed[key] = tensor
    return renamed


class ConvNorm6(nn.Module):
    """Convolution, batch norm and ReLU6; without a norm, the convolution has a bias.

    Differs: TensorFlow, which trained the ImageNet weights, pads even sizes only on the right and
        at the bottom, so a stride of 2 shifts the features by a pixel. Parsing needs features in
        their place, so here both sides get the same padding, as for odd sizes.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        relu: bool = True,
        norm: bool = True,
    ) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding, dilation, groups, bias=not norm
        )
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3) if norm else nn.Identity()
        self.relu = relu

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """Convolve; sizes become ceil(size / stride)."""
        features = self.norm(self.conv(features))
        return F.relu6(features) if self.relu else features


class InvertedBlock(nn.Module):
    """Expand, convolve each channel, project; add the input if the shapes are equal."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int,
        dilation: int,
        expansion: int,
        norm: bool = True,
    ) -> None:
        super().__init__()
        conv = partial(ConvNorm6, norm=norm)
        wide = inputs * expansion
        self.expand = conv(inputs, wide) if expansion > 1 else nn.Identity()
        self.depthwise = conv(wide, wide, kernel, stride=stride, dilation=dilation, groups=wide)
        self.project = conv(wide, outputs, relu=False)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """Transform features; sizes become ceil(size / stride)."""
        out = self.project(self.depthwise(self.expand(features)))
        return features + out if self.adds else out


class EfficientNetLite(nn.Module):
    """Turn images into deep features at the output stride and low-level features at stride 4.

    Args:
        output_stride: 8, 16 or 32; below 32, strides turn into dilations.
        width: Multiplies every channel count; 1 is the published network.

    Source: Tan and Le 2019; the Lite variants without squeeze-and-excitation, with ReLU6, and with
    unscaled stem and number of blocks of the first and the last group.
    """

    OUTPUT_STRIDE: ClassVar[int] = 16
    MIDDLE: ClassVar[tuple[int, ...]] = (8, 16)
    """Strides besides 4 whose features are returned as well."""
    WIDER: ClassVar[float] = 1.0
    DEEPER: ClassVar[float] = 1.0

    def __init__(self, *, output_stride: int = 16, width: float = 1.0) -> None:
        super().__init__()

        def wide(channels: int) -> int:
            return max(4, round(channels * width))

        channels = wide(32)
        self.stem = ConvNorm6(3, channels, 3, stride=2)
        self.blocks = nn.ModuleList()
        reached, dilation = 2, 1
        nominal, taps = 2, dict[int, tuple[int, int]]()  # strides before they turn into dilations
        for repeats, kernel, stage_stride, expansion, outputs in self._groups():
            for index in range(repeats):
                stride = stage_stride if index == 0 else 1
                if reached * stride > output_stride:
                    dilation *= stride
                    stride = 1
                reached *= stride
                self.blocks.append(
                    InvertedBlock(
                        channels,
                        wide(outputs),
                        kernel=kernel,
                        stride=stride,
                        dilation=dilation,
                        expansion=expansion,
                    )
                )
                channels = wide(outputs)
                if reached == 4:
                    self.low_level_block = len(self.blocks) - 1
                    self.low_level_channels = channels
            nominal *= stage_stride
            taps[nominal] = len(self.blocks) - 1, channels
        self.deep_channels = channels
        self.middle_blocks = {taps[stride][0]: stride for stride in (8, 16)}
        self.middle_channels: Mapping[int, int] = {stride: taps[stride][1] for stride in (8, 16)}

    def _groups(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield the table of groups with the scale of this variant."""
        for place, (blocks, kernel, stride, expansion, channels) in enumerate(BLOCK_GROUPS):
            is_scaled = 0 < place < len(BLOCK_GROUPS) - 1
            repeats = ceil(blocks * self.DEEPER) if is_scaled else blocks
            yield repeats, kernel, stride, expansion, _in_eights(channels * self.WIDER)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> BackboneFeatures:
        """Encode images, RGB in [-1, 1]."""
        # The ImageNet weights saw (x - 127) / 128 of x in [0, 255].
        features = low_level = self.stem(images * (127.5 / 128) + 0.5 / 128)
        middle: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index == self.low_level_block:
                low_level = features
            if index in self.middle_blocks:
                middle[self.middle_blocks[index]] = features
        return BackboneFeatures(features, low_level, middle)


class EfficientNetLite0(EfficientNetLite):
    """The smallest variant."""


class EfficientNetLite2(EfficientNetLite):
    """Takes about 1.5 times the work of Lite0."""

    WIDER = 1.1
    DEEPER = 1.2


def _in_eights(channels: float) -> int:
    """Return the nearest multiple of 8 that is at least nine tenths of the number."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
