"""A plain version of the reference's form, against which ours is measured."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.labels import Level
from grapy_cli.model.convolutions import ConvNorm, SeparableConv
from grapy_cli.model.deeplab import resize
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.pyramid import GraphPyramid
from grapy_cli.model.xception import Block


def spell_out(network: GrapyNet) -> GrapyNet:
    """Make a network with Xception compute as the reference does, and return it.

    Blocks of Xception pad explicitly, all else by argument; ReLUs work in place.
    """
    spelled = {ConvNorm: PlainConv, SeparableConv: PlainSeparable, Block: PlainBlock}
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in spelled:
                setattr(parent, name, spelled[type(child)](child))
    return network


class PlainConv(nn.Module):
    def __init__(self, one: ConvNorm) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = one.conv, one.norm, one.relu

    def forward(self, features: Tensor) -> Tensor:
        features = self.norm(self.conv(features))
        return F.relu_(features) if self.relu else features


class PlainSeparable(nn.Module):
    def __init__(self, one: SeparableConv) -> None:
        super().__init__()
        self.depthwise, self.depthwise_norm = one.depthwise, one.depthwise_norm
        self.pointwise, self.pointwise_norm = one.pointwise, one.pointwise_norm
        self.relu = one.relu
        self.padding = [] if one.relu else [one.depthwise.padding[0]] * 4
        if self.padding:
            self.depthwise.padding = (0, 0)

    def forward(self, features: Tensor) -> Tensor:
        if self.padding:
            features = F.pad(features, self.padding)
        features = self.depthwise_norm(self.depthwise(features))
        if self.relu:
            features = F.relu_(features)
        features = self.pointwise_norm(self.pointwise(features))
        return F.relu_(features) if self.relu else features


class PlainBlock(nn.Module):
    def __init__(self, block: Block) -> None:
        super().__init__()
        self.separables, self.shortcut = block.separables, block.shortcut
        self.rectify = block.rectify

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        inputs = F.relu_(features) if self.rectify else features
        first, second, third = self.separables
        inner = second(F.relu_(first(inputs)))
        low_level = inner.clone() if self.rectify and inner.shape[1] == 256 else inner
        out = third(F.relu_(inner))
        out += self.shortcut(inputs)
        return out, low_level


def parse(network: GrapyNet, images: Tensor, dataset: str) -> tuple[Tensor, Tensor]:
    """Compute main and refined logits at the size of the images."""
    features = network.encode(images)
    main = network.main_heads[dataset](features)
    refined = refine(network.pyramid, features, main.argmax(1), dataset)
    logits = network.refined_heads[dataset](refined)
    return tuple(resize(one, *images.shape[2:]) for one in (main, logits))


def refine(pyramid: GraphPyramid, features: Tensor, label_map: Tensor, dataset: str) -> Tensor:
    """Refine with a loop over all classes, and a map of the size of the features per level."""
    floors = [features]
    for level in pyramid.levels:
        node_map = pyramid.lift(level, dataset)[label_map]
        one_hot = F.one_hot(node_map, pyramid.num_nodes[level][dataset]).permute(0, 3, 1, 2).float()
        block = f"part-{dataset}" if level == Level.PART else level.name.lower()
        nodes = pyramid.reasoning[block](pool(floors[-1], one_hot))
        spread = (nodes.transpose(1, 2) @ one_hot.flatten(2)).unflatten(2, label_map.shape[1:])
        transform = pyramid.transforms[level.name.lower()]
        weight = transform.weight[:, :, None, None]
        floors.append(floors[-1] + F.conv2d(spread, weight, transform.bias))
    return F.relu(pyramid.fusion(torch.cat(floors, 1)))


def pool(features: Tensor, one_hot: Tensor) -> Tensor:
    """Compute the mean and the maximum of each region, one region after the other."""
    means, maxima = [], []
    for node in range(one_hot.shape[1]):
        region = one_hot[:, node : node + 1]
        inside = (features * region).flatten(2)
        means.append(inside.sum(2) / region.sum((2, 3)).clamp(min=1))
        maxima.append(inside.max(2).values)
    return torch.cat([torch.stack(means, 1), torch.stack(maxima, 1)], 2)


def samples(
    pairs: Sequence[tuple[Path, Path]], crop: int, random: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Make training samples as the reference does: resize the whole photo, crop, float32."""
    for photo, label in pairs:
        picture, parts = Image.open(photo).convert("RGB"), Image.open(label)
        if random.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            parts = parts.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        width, height = (int(side * random.uniform(0.5, 2)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        parts = parts.resize((width, height), Image.Resampling.NEAREST)
        left, top = (int(random.integers(max(1, side - crop + 1))) for side in (width, height))
        box = (left, top, left + crop, top + crop)  # Pillow fills the outside with zeros
        image = np.asarray(picture.crop(box), np.float32) * 2 / 255 - 1
        label_map = np.asarray(parts.crop(box), np.float32)
        chw = torch.from_numpy(image.transpose(2, 0, 1).copy())
        yield chw, torch.from_numpy(label_map.copy())[None]


def color(label_map: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> Image.Image:
    """Paint a mask pixel by pixel."""
    height, width = label_map.shape
    painted = Image.new("RGB", (width, height))
    pixels = painted.load()
    for row, of_row in enumerate(label_map):
        for column, part in enumerate(of_row):
            pixels[column, row] = palette[part]
    return painted
