"""The whole network: DeepLab v3+, a first parsing, the graph pyramid, the refined parsing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from grapy_cli.labels import LabelSet
from grapy_cli.model import fused
from grapy_cli.model.deeplab import Backbone, DeepLabV3Plus, resize
from grapy_cli.model.efficientnet import EfficientNetLite0, EfficientNetLite2
from grapy_cli.model.movenet import MoveNetMultiPose, MoveNetThunder
from grapy_cli.model.pyramid import GraphPyramid, PyramidNumbers
from grapy_cli.model.xception import Xception

BackboneName = Literal[
    "xception65",
    "efficientnet_lite0",
    "efficientnet_lite2",
    "movenet_thunder",
    "movenet_multipose",
]
BACKBONES: Mapping[str, type[Backbone]] = {
    "xception65": Xception,
    "efficientnet_lite0": EfficientNetLite0,
    "efficientnet_lite2": EfficientNetLite2,
    "movenet_thunder": MoveNetThunder,
    "movenet_multipose": MoveNetMultiPose,
}


@dataclass(frozen=True)
class NetworkNumbers:
    """Everything needed to build a network besides its label sets; defaults are the paper's.

    Without `pyramid` the network is a plain DeepLab v3+, which the pretrain stage trains.
    """

    backbone: BackboneName = "xception65"
    output_stride: int = 16
    width: float = 1.0
    features: int = 256
    low_level: int = 48
    pyramid: PyramidNumbers | None = field(default_factory=PyramidNumbers)
    middle: tuple[Literal[8, 16], ...] = ()
    """Strides besides 4 whose features the decoder uses."""
    rates: tuple[int, int, int] | None = None
    """Dilations of ASPP; None is 6, 12, 18 at output stride 16, and inversely proportional else."""
    exact_dilation: bool = True
    """See `InvertedEncoder`; Xception is always exact."""

    def __post_init__(self) -> None:
        lacking = set(self.middle) - set(BACKBONES[self.backbone].MIDDLE)
        if lacking:
            raise ValueError(f"{self.backbone} has no features at stride {min(lacking)}")

    @property
    def dilations(self) -> tuple[int, int, int]:
        """Dilations of ASPP."""
        stride = self.output_stride
        return self.rates or (96 // stride, 192 // stride, 288 // stride)


class ParsingLogits(NamedTuple):
    """Unnormalized scores of every part at every pixel."""

    refined: Float[Tensor, "b p h w"] | None
    """After the pyramid, the paper's ŷ; None if the network has no pyramid."""
    main: Float[Tensor, "b p h w"]
    """From the decoder, the paper's y."""

    @property
    def final(self) -> Tensor:
        """The best available logits: refined ones if there is a pyramid."""
        return self.main if self.refined is None else self.refined

    def resized(self, height: int, width: int) -> "ParsingLogits":
        """Return the logits at another size, pixels; see `resize`."""
        refined = None if self.refined is None else resize(self.refined, height, width)
        return ParsingLogits(refined, resize(self.main, height, width))


class GrapyNet(nn.Module):
    """Parses images into the parts of any of its label sets.

    `encode` is expensive and shared by all label sets; `parse` is cheap.
    """

    def __init__(self, numbers: NetworkNumbers, label_sets: Sequence[LabelSet]) -> None:
        super().__init__()
        self.numbers = numbers
        self.label_sets = {labels.name: labels for labels in label_sets}
        kind = BACKBONES[numbers.backbone]
        exact = {"exact_dilation": numbers.exact_dilation} if kind is not Xception else {}
        backbone = kind(output_stride=numbers.output_stride, width=numbers.width, **exact)
        self.deeplab = DeepLabV3Plus(
            backbone,
            rates=numbers.dilations,
            features=numbers.features,
            low_level=numbers.low_level,
            middle=numbers.middle,
        )
        self.main_heads = self._heads()
        if numbers.pyramid is not None:
            self.pyramid = GraphPyramid(label_sets, numbers.features, numbers.pyramid)
            self.refined_heads = self._heads()

    def _heads(self) -> nn.ModuleDict:
        return nn.ModuleDict(
            {
                name: nn.Conv2d(self.numbers.features, labels.num_parts, 1)
                for name, labels in self.label_sets.items()
            }
        )

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h4 w4"]:
        """Turn images, RGB in [-1, 1], into the features that all label sets share."""
        return self.deeplab(images)

    def parse(self, features: Float[Tensor, "b c h4 w4"], dataset: str) -> ParsingLogits:
        """Compute the logits of one label set; they have the size of the features."""
        main = self.main_heads[dataset](features)
        if self.numbers.pyramid is None:
            return ParsingLogits(None, main)
        label_map = main.argmax(1)  # no gradient: the main head learns from its own loss
        refined = self.refined_heads[dataset](
            fused.refine(self.pyramid, features, label_map, dataset)
        )
        return ParsingLogits(refined, main)

    def forward(self, images: Float[Tensor, "b 3 h w"], dataset: str) -> ParsingLogits:
        """Parse images, RGB in [-1, 1], by one label set; logits have the size of the images."""
        return self.parse(self.encode(images), dataset).resized(*images.shape[2:])


def build_network(numbers: NetworkNumbers, label_sets: Sequence[LabelSet]) -> GrapyNet:
    """Build a network with fresh parameters."""
    return GrapyNet(numbers, label_sets)
