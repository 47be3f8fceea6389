"""The form of a network that parses photos and is never trained: less work, the same answers.

In evaluation mode batch norm is a factor and an offset per channel, so it disappears into the
convolution before it; and oneDNN rectifies what it convolves before it leaves the cache.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.model.convolutions import ConvNorm, SeparableConv
from grapy_cli.model.efficientnet import ConvNorm6
from grapy_cli.model.fused import fusion_matrix
from grapy_cli.model.grapy import GrapyNet

Precision = Literal["fp32", "bf16"]

# Convolutions with the batch norms that follow them, and what a block's `relu` means.
FOLDED: Mapping[type[nn.Module], tuple[tuple[tuple[str, str], ...], str]] = MappingProxyType(
    {
        ConvNorm: ((("conv", "norm"),), "relu"),
        ConvNorm6: ((("conv", "norm"),), "relu6"),
        SeparableConv: (
            (("depthwise", "depthwise_norm"), ("pointwise", "pointwise_norm")),
            "relu",
        ),
    }
)
ONEDNN_NAMES: Mapping[str, tuple[str, list[float]]] = MappingProxyType(
    {"none": ("none", []), "relu": ("relu", []), "relu6": ("hardtanh", [0.0, 6.0])}
)


def fold_for_inference(network: GrapyNet) -> GrapyNet:
    """Turn a network in evaluation mode into the form it parses with, and return it.

    The network itself is changed: its batch norms are gone, so it can be neither trained nor saved.

    Differs: in the order of float operations alone (relative difference about 1e-6 in float32).
    """
    for module in list(network.modules()):
        if type(module) in FOLDED:
            pairs, activation = FOLDED[type(module)]
            for convolution, norm in pairs:
                folded = _fold(getattr(module, convolution), getattr(module, norm))
                activate = activation if module.relu else "none"
                setattr(module, convolution, FoldedConv(folded, activate))
                setattr(module, norm, nn.Identity())
            module.relu = False  # type: ignore[assignment] # done by the convolution
    if network.numbers.pyramid is not None:
        network.pyramid.fusion = _fold_fusion(network.pyramid.fusion)
    return network


def encode_in_bf16(network: GrapyNet) -> GrapyNet:
    """Compute a network's features in bfloat16, and all that is decided from them in float32.

    The network itself is changed. It is about twice as quick where the processor multiplies
    bfloat16, and costs about one pixel in a hundred, most of them at the borders of parts.
    """
    network.deeplab = _Bf16Features(network.deeplab)  # type: ignore[assignment] # same call
    return network


class _Bf16Features(nn.Module):
    def __init__(self, deeplab: nn.Module) -> None:
        super().__init__()
        self.deeplab = deeplab.to(torch.bfloat16)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h4 w4"]:
        return self.deeplab(images.to(torch.bfloat16)).float()


class FoldedConv(nn.Module):
    """A convolution with bias and the activation behind it, one operation where oneDNN has it.

    Args:
        conv: With the batch norm folded in.
        activation: none, relu or relu6.
    """

    def __init__(self, conv: nn.Conv2d, activation: str) -> None:
        super().__init__()
        self.conv = conv
        self.activation = activation

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d u v"]:
        """Convolve and activate."""
        conv = self.conv
        if _has_onednn(features):
            name, scalars = ONEDNN_NAMES[self.activation]
            return torch.ops.mkldnn._convolution_pointwise(
                *(features, conv.weight, conv.bias),
                *(conv.padding, conv.stride, conv.dilation, conv.groups),
                *(name, scalars, ""),
            )
        features = conv(features)
        match self.activation:
            case "relu":
                return F.relu_(features)
            case "relu6":
                return F.relu6(features, inplace=True)
            case _:
                return features


def _has_onednn(features: Tensor) -> bool:
    """Whether torch's private fused convolution is there and takes such features.

    It has no gradient, and is made for inference on the CPU in these types alone.
    """
    return (
        features.device.type == "cpu"
        and not torch.is_grad_enabled()
        and not torch.compiler.is_compiling()  # as for an export, whose engine fuses by itself
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
        and (features.dtype == torch.float32 or _has_bf16(features))
    )


def _has_bf16(features: Tensor) -> bool:
    """Whether features are bfloat16 and oneDNN multiplies that on this processor."""
    return features.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported()


@torch.no_grad()
def _fold_fusion(fusion: nn.Sequential) -> nn.Sequential:
    """Multiply the fusion's two convolutions into one, which otherwise is done for each photo."""
    matrix, bias = fusion_matrix(fusion)
    empty = nn.Conv2d(matrix.shape[1], matrix.shape[0], 1, device="meta")
    return nn.Sequential(_filled(empty, matrix[:, :, None, None], bias))


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Multiply a convolution by what the batch norm behind it does in evaluation mode."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    empty = nn.Conv2d(
        *(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride),  # type: ignore[arg-type]
        *(conv.padding, conv.dilation, conv.groups),  # type: ignore[arg-type]
        device="meta",
    )
    weight = conv.weight * factor[:, None, None, None]
    return _filled(empty, weight, norm.bias - norm.running_mean * factor)


def _filled(empty: nn.Conv2d, weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """Give a convolution on the meta device its numbers.

    `nn.utils.skip_init` would do, but has torch import 480 modules, which takes 0.4 s.
    """
    weight = weight.contiguous(memory_format=torch.channels_last)
    empty.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    return empty.requires_grad_(False)
