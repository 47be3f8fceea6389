"""A convolution that uses the fastest path of oneDNN, the library for CPUs, for every shape."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

ONEDNN_NAMES: Mapping[str, tuple[str, list[float]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
}
FAR = 6
"""Largest dilation of a depthwise convolution with a fast kernel in oneDNN 3.12. Beyond it, a core
reaches 1 to 2 of its 90 GFLOP/s."""

FEW = 800
"""Largest number of feature pixels for which the memory layout of 32-bit weights matters."""


class FoldedConv(nn.Module):
    """A convolution with bias and activation, as one operation where oneDNN has it.

    Args:
        conv: With the batch norm folded in.
        activation: none, relu or relu6.
    """

    def __init__(self, conv: nn.Conv2d, activation: str) -> None:
        super().__init__()
        self.conv = conv
        self.activation = activation
        self._packed: Tensor | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the reordered weight, which cannot be copied but is quickly made again."""
        return self.__dict__ | {"_packed": None}

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """Convolve and activate."""
        if has_onednn(features):
            step = self.conv.dilation[0]
            if self.conv.stride == (1, 1) and step > FAR:
                return by_phases(features, step, lambda phases: self._convolve(phases, step))
            return self._convolve(features)
        features = self.conv(features)
        match self.activation:
            case "relu":
                return F.relu_(features)
            case "relu6":
                return features.clamp_(0, 6)  # exports a fifth faster than relu6, which is composed
            case _:
                return features

    def _convolve(self, features: Float[Tensor, "b c h w"], step: int = 1) -> Tensor:
        """Convolve with oneDNN; `features` hold every `step`-th pixel."""
        conv = self.conv
        name, scalars = ONEDNN_NAMES[self.activation]
        padding = [int(side) // step for side in conv.padding]
        dilation = [side // step for side in conv.dilation]
        weight = self._weight(padding, dilation, features)
        return torch.ops.mkldnn._convolution_pointwise(
            *(features, weight, conv.bias),
            *(padding, conv.stride, dilation, conv.groups),
            *(name, scalars, ""),
        )

    def _weight(self, padding: list[int], dilation: list[int], features: Tensor) -> Tensor:
        """Return the weight in the memory layout of oneDNN, which saves a tenth of the time.

        It is a second copy in memory, so it is not made where it gains little.
        """
        conv = self.conv
        if features.dtype != torch.bfloat16 and features.shape[2] * features.shape[3] > FEW:
            return conv.weight
        if self._packed is None or self._packed.dtype != features.dtype:
            self._packed = torch.ops.mkldnn._reorder_convolution_weight(
                *(conv.weight, padding, conv.stride, dilation),
                *(conv.groups, list(features.shape)),
            )
        return self._packed


def by_phases(
    features: Float[Tensor, "b c h w"],
    step: int,
    convolve: Callable[[Float[Tensor, "n c u v"]], Float[Tensor, "n d u v"]],
) -> Float[Tensor, "b d h w"]:
    """Convolve with a dilation of `step` through a convolution without dilation.

    A dilated convolution joins pixels that are `step` apart. So each of the step² phases of the
    features is an independent image; zeros at their ends are the padding.
    """
    batch, _, height, width = features.shape
    rows, columns = -(-height // step), -(-width // step)
    filled = F.pad(features, (0, columns * step - width, 0, rows * step - height))
    split = filled.permute(0, 2, 3, 1).unflatten(2, (columns, step)).unflatten(1, (rows, step))
    phases = split.permute(0, 2, 4, 1, 3, 5).flatten(0, 2).permute(0, 3, 1, 2)
    done = convolve(phases).permute(0, 2, 3, 1).unflatten(0, (batch, step, step))
    whole = done.permute(0, 3, 1, 4, 2, 5).flatten(3, 4).flatten(1, 2)
    return whole[:, :height, :width].permute(0, 3, 1, 2)


def has_onednn(features: Tensor) -> bool:
    """Return whether torch's private fused convolution exists and accepts such features.

    It has no gradient, and only supports inference on the CPU in these types.
    """
    return (
        features.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()  # in an export, whose engine fuses by itself
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        and (features.dtype == torch.float32 or _has_bf16(features))
    )


def _has_bf16(features: Tensor) -> bool:
    """Return whether features are bfloat16 and oneDNN supports that on this CPU."""
    return features.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()
