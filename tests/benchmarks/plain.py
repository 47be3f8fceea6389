"""The plain ways of doing what training does: what ours is measured against."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from grapy_cli.model.pyramid import GraphPyramid


def refine(pyramid: GraphPyramid, features: Tensor, label_map: Tensor, dataset: str) -> Tensor:
    """What `fused.refine` does, in the paper's order, one photo and one region after another."""
    floors = [features]
    for level in pyramid.levels:
        node_map = pyramid.lift(level, dataset)[label_map]
        count = pyramid.num_nodes[level][dataset]
        regions = torch.stack([node_map == node for node in range(count)], 1).to(features)
        nodes = torch.stack(
            [
                torch.stack([_node(photo, region) for region in regions_of_photo])
                for photo, regions_of_photo in zip(floors[-1], regions, strict=True)
            ]
        )
        vectors = pyramid.reason(nodes, level, dataset)
        added = torch.zeros_like(features)
        for node in range(count):
            added = added + vectors[:, node, :, None, None] * regions[:, node, None]
        floors.append(floors[-1] + added)
    return F.relu(pyramid.fusion(torch.cat(floors, 1)))


def _node(features: Tensor, region: Tensor) -> Tensor:
    inside = features * region
    mean = inside.sum((1, 2)) / region.sum().clamp(min=1)
    return torch.cat([mean, inside.amax((1, 2))])


def load_batch(
    pairs: Sequence[tuple[Path, Path]], crop: int, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Make a batch as tutorials do: resize the whole photo, crop, mirror, float32, normalise."""
    samples = [_sample(photo, label, crop, random) for photo, label in pairs]
    images, label_maps = zip(*samples, strict=True)
    return torch.stack(images), torch.stack(label_maps)


def _sample(
    photo: Path, label: Path, crop: int, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    picture, parts = Image.open(photo).convert("RGB"), Image.open(label)
    width, height = (max(crop, int(side * random.uniform(0.5, 2))) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    parts = parts.resize((width, height), Image.Resampling.NEAREST)
    left, top = random.integers(width - crop + 1), random.integers(height - crop + 1)
    box = (int(left), int(top), int(left) + crop, int(top) + crop)
    picture, parts = picture.crop(box), parts.crop(box)
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        parts = parts.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(picture, np.float32) / 255
    image = torch.from_numpy((pixels - 0.5) / 0.5).permute(2, 0, 1).contiguous()
    return image, torch.from_numpy(np.array(parts, np.int64))
