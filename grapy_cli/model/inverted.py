"""MobileNetV2's inverted blocks, and the encoders that consist of them.

Source: Sandler et al. 2018.
"""

from collections.abc import Mapping
from functools import partial
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.model.convolutions import widened
from grapy_cli.model.xception import BackboneFeatures


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


class BlockGroup(NamedTuple):
    """Inverted blocks of equal output: the first has the stride, the others add their input."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


class InvertedEncoder(nn.Module):
    """Turn images into deep features at the output stride, and finer ones at strides 4, 8 and 16.

    Args:
        output_stride: 8, 16 or 32; below 32, strides turn into dilations. Unset is the usual one.
        width: Multiplies every channel count; 1 is the published network.
        exact_dilation: Dilate only the blocks after one that lost its stride, so that every second
            feature is exactly the one at stride 32. Otherwise, that block is dilated as well.
    """

    STEM: ClassVar[int] = 32
    GROUPS: ClassVar[tuple[BlockGroup, ...]]
    NORM: ClassVar[bool] = True
    """Whether batch norm follows each convolution; else it is folded in."""
    OUTPUT_STRIDE: ClassVar[int]
    MIDDLE: ClassVar[tuple[int, ...]] = (8, 16)
    """Strides besides 4 whose features are returned as well."""

    def __init__(
        self, *, output_stride: int | None = None, width: float = 1.0, exact_dilation: bool = True
    ) -> None:
        super().__init__()
        output_stride = output_stride or self.OUTPUT_STRIDE
        channels = widened(self.STEM, width)
        self.stem = ConvNorm6(3, channels, 3, stride=2, norm=self.NORM)
        self.blocks = nn.ModuleList()
        nominal, dilation = 2, 1  # the stride before strides turn into dilations
        last, widths = dict[int, int](), dict[int, int]()
        for group in self.GROUPS:
            nominal *= group.stride
            lost = group.stride if nominal > output_stride else 1
            for index in range(group.blocks):
                if index == (1 if exact_dilation else 0):
                    dilation *= lost
                block = InvertedBlock(
                    channels,
                    widened(group.channels, width),
                    kernel=group.kernel,
                    stride=group.stride // lost if index == 0 else 1,
                    dilation=dilation,
                    expansion=group.expansion,
                    norm=self.NORM,
                )
                self.blocks.append(block)
                channels = widened(group.channels, width)
            last[nominal], widths[nominal] = len(self.blocks) - 1, channels
        self.kept = {index: stride for stride, index in last.items()}
        self.deep_channels = channels
        self.low_level_channels = widths[4]
        self.middle_channels: Mapping[int, int] = {stride: widths[stride] for stride in self.MIDDLE}

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> BackboneFeatures:
        """Encode images, RGB in [-1, 1]."""
        features = self.stem(images)
        found: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in self.kept:
                found[self.kept[index]] = features
        middle = {stride: found[stride] for stride in self.MIDDLE}
        return BackboneFeatures(features, found[4], middle)
