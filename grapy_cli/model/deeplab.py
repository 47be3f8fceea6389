"""DeepLab v3+: context at several distances around a pixel, refined by low-level features."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.model.convolutions import ConvNorm, SeparableConv
from grapy_cli.model.inverted import InvertedEncoder
from grapy_cli.model.xception import Xception

Backbone = Xception | InvertedEncoder


def resize(
    features: Float[Tensor, "b c h w"], height: int, width: int
) -> Float[Tensor, "b c {height} {width}"]:
    """Resize bilinearly with the centers of corner pixels aligned, as the reference does."""
    return F.interpolate(features, (height, width), mode="bilinear", align_corners=True)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, three dilated convolutions and a global mean.

    Source: Chen et al. 2018.
    """

    def __init__(self, inputs: int, outputs: int, *, rates: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                ConvNorm(inputs, outputs),
                *(SeparableConv(inputs, outputs, dilation=rate, relu=True) for rate in rates),
            ]
        )
        self.pool = ConvNorm(inputs, outputs)
        self.project = ConvNorm(5 * outputs, outputs)

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Add context to each pixel; batch norm of the pool needs two photos in training."""
        pooled = self.pool(features.mean((2, 3), keepdim=True)).expand(-1, -1, *features.shape[2:])
        return self.project(torch.cat([*(branch(features) for branch in self.branches), pooled], 1))


class DeepLabV3Plus(nn.Module):
    """Turn images into the decoder's features: stride 4, never negative.

    Args:
        rates: Dilations of ASPP; 6, 12, 18 in the paper.
        features: Channels of ASPP and of the output; 256 in the paper.
        low_level: Channels the low-level features are projected to; 48 in the paper.
        middle: Strides (8 and 16) of more features for the decoder, each projected to
            `low_level` channels; none in the paper.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        rates: Sequence[int],
        features: int,
        low_level: int,
        middle: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.aspp = ASPP(backbone.deep_channels, features, rates=rates)
        self.low_level = ConvNorm(backbone.low_level_channels, low_level)
        self.middle = nn.ModuleDict(
            {
                str(stride): ConvNorm(backbone.middle_channels[stride], low_level)
                for stride in middle
            }
        )
        self.decoder = nn.Sequential(
            SeparableConv(features + low_level * (1 + len(middle)), features, relu=True),
            SeparableConv(features, features, relu=True),
        )

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h4 w4"]:
        """Encode and decode images, RGB in [-1, 1]."""
        encoded = self.backbone(images)
        low_level = self.low_level(encoded.low_level)
        coarser = [self.aspp(encoded.deep)]
        coarser += [project(encoded.middle[int(key)]) for key, project in self.middle.items()]
        enlarged = [resize(one, low_level.shape[2], low_level.shape[3]) for one in coarser]
        return self.decoder(torch.cat([enlarged[0], low_level, *enlarged[1:]], 1))
