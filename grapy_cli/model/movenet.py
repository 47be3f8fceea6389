"""The encoders of Google's MoveNet pose networks: MobileNetV2 trained on people.

Source: Sandler et al. 2018 (inverted blocks); MoveNet SinglePose Thunder v4 and MultiPose
Lightning v1 (Google, Apache-2.0), whose batch norms are folded into their convolutions.
"""

from collections.abc import Mapping

from torch import Tensor

from grapy_cli.model.inverted import BlockGroup, InvertedEncoder

ENCODER_PREFIX = "encoder."
"""Prefix of the encoder's tensors in a MoveNet file; the rest is a name of this backbone."""


class MoveNetEncoder(InvertedEncoder):
    """An encoder of MoveNet; its output stride is 16 or 32."""

    NORM = False
    OUTPUT_STRIDE = 32


class MoveNetThunder(MoveNetEncoder):
    """The encoder of SinglePose Thunder: MobileNetV2 of width 1.75."""

    STEM = 56
    GROUPS = (
        # blocks, kernel, stride, expansion, channels
        BlockGroup(1, 3, 1, 1, 32),
        BlockGroup(2, 3, 2, 6, 40),
        BlockGroup(3, 3, 2, 6, 56),
        BlockGroup(4, 3, 2, 6, 112),
        BlockGroup(3, 3, 1, 6, 168),
        BlockGroup(3, 3, 2, 6, 280),
        BlockGroup(1, 3, 1, 6, 560),
    )


class MoveNetMultiPose(MoveNetEncoder):
    """The encoder of MultiPose Lightning, somewhat smaller: width 1.5."""

    STEM = 48
    GROUPS = (
        # blocks, kernel, stride, expansion, channels
        BlockGroup(1, 3, 1, 1, 24),
        BlockGroup(2, 3, 2, 6, 40),
        BlockGroup(3, 3, 2, 6, 48),
        BlockGroup(4, 3, 2, 6, 96),
        BlockGroup(3, 3, 1, 6, 144),
        BlockGroup(3, 3, 2, 6, 240),
        BlockGroup(1, 3, 1, 6, 480),
    )


def encoder_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the backbone's tensors of a MoveNet file, without its head and its FPN."""
    return {
        key.removeprefix(ENCODER_PREFIX): tensor
        for key, tensor in state.items()
        if key.startswith(ENCODER_PREFIX) and not key.startswith(f"{ENCODER_PREFIX}head.")
    }
