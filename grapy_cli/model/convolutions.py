"""The two convolution blocks that backbones and decoder consist of."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def widened(channels: int, width: float) -> int:
    """Return the number of channels in a network of another width."""
    return max(4, round(channels * width))


class ConvNorm(nn.Module):
    """A convolution without bias, batch norm and an optional ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """Convolve and normalize; sizes become ceil(size / stride)."""
        features = self.norm(self.conv(features))
        return F.relu(features) if self.relu else features


class SeparableConv(nn.Module):
    """A depthwise 3x3 convolution, then a pointwise 1x1 convolution.

    Both are followed by batch norm; with `relu` also by a ReLU each (ASPP, decoder, Xception's
    exit), without it by none (inside Xception's blocks, which rectify before each convolution).
    Source: FACTS of the reference implementation: its two separable convolutions differ in
        nothing else, since padding by hand and by argument give the same numbers.
    """

    def __init__(
        self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1, relu: bool
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            inputs, inputs, 3, stride, dilation, dilation, groups=inputs, bias=False
        )
        self.depthwise_norm = nn.BatchNorm2d(inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(outputs)
        self.relu = relu

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """Convolve; sizes become ceil(size / stride)."""
        features = self.depthwise_norm(self.depthwise(features))
        if self.relu:
            features = F.relu(features)
        features = self.pointwise_norm(self.pointwise(features))
        return F.relu(features) if self.relu else features
