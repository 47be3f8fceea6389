"""EfficientNet-Lite, small backbones trained on ImageNet."""

import re
from collections.abc import Iterator, Mapping
from math import ceil

from jaxtyping import Float
from torch import Tensor

from grapy_cli.model.inverted import BlockGroup, InvertedEncoder
from grapy_cli.model.xception import BackboneFeatures

BLOCK_GROUPS: tuple[BlockGroup, ...] = (
    # blocks, kernel, stride, expansion, channels (Tan and Le 2019, Table 1; Lite: no squeeze)
    BlockGroup(1, 3, 1, 1, 16),
    BlockGroup(2, 3, 2, 6, 24),
    BlockGroup(2, 5, 2, 6, 40),
    BlockGroup(3, 3, 2, 6, 80),
    BlockGroup(3, 5, 1, 6, 112),
    BlockGroup(4, 5, 2, 6, 192),
    BlockGroup(1, 3, 1, 6, 320),
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


def _scaled(wider: float, deeper: float) -> Iterator[BlockGroup]:
    """Scale the groups for a larger variant; the first and the last keep their number of blocks."""
    for group in BLOCK_GROUPS:
        is_between = group not in (BLOCK_GROUPS[0], BLOCK_GROUPS[-1])
        blocks = ceil(group.blocks * deeper) if is_between else group.blocks
        yield group._replace(blocks=blocks, channels=_in_eights(group.channels * wider))


def _in_eights(channels: float) -> int:
    """Return the nearest multiple of 8 that is at least nine tenths of the number."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


class EfficientNetLite0(InvertedEncoder):
    """The smallest variant.

    Source: Tan and Le 2019; the Lite variants without squeeze-and-excitation, with ReLU6, and with
    unscaled stem and number of blocks of the first and the last group.
    """

    OUTPUT_STRIDE = 16
    GROUPS = BLOCK_GROUPS

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> BackboneFeatures:
        """Encode images, RGB in [-1, 1]."""
        # The ImageNet weights saw (x - 127) / 128 of x in [0, 255].
        return super().forward(images * (127.5 / 128) + 0.5 / 128)


class EfficientNetLite2(EfficientNetLite0):
    """Takes about 1.5 times the work of Lite0."""

    GROUPS = tuple(_scaled(wider=1.1, deeper=1.2))
