"""Weights of the pixels of each part, by how rare the part is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from grapy_cli.data.dataset import Group
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.image_io.label_maps import count_ids, load_label_map
from grapy_cli.labels import IGNORE

COUNTED_PHOTOS = 400
"""Label maps that are counted; more change the shares only a little."""


def part_weights(groups: Sequence[Group], strength: float) -> dict[str, Tensor]:
    """Return the weights of parts, by how rare each is in a sample of label maps."""
    photos: defaultdict[str, list[tuple[PreparedDataset, str]]] = defaultdict(list)
    for group in groups:
        for name, dataset in group.members.items():
            photos[name] += [(dataset, key) for key in group.keys]
    weights = {}
    for name, labeled in photos.items():
        pixels = np.zeros(256, np.int64)
        for dataset, key in labeled[:: max(1, len(labeled) // COUNTED_PHOTOS)]:
            pixels += count_ids(load_label_map(dataset.label_map(key)))
        pixels[IGNORE] = 0
        if not (total := int(pixels.sum())):
            continue  # only ignored pixels
        shares = {part: count / total for part, count in enumerate(pixels.tolist()) if count}
        parts = labeled[0][0].label_set.num_parts
        weights[name] = torch.tensor(balanced_weights(shares, parts, strength))
    return weights


def balanced_weights(shares: Mapping[int, float], num_parts: int, strength: float) -> list[float]:
    """Return weights that favor rare parts: share ** -strength, with mean 1 over pixels.

    Args:
        shares: Share of the labeled pixels of each part that occurs.
        num_parts: Of the label set; parts that do not occur get the largest weight.
        strength: 0 weighs pixels equally, 1 weighs parts equally.
    """
    known = {part: share**-strength for part, share in shares.items() if share > 0}
    mean = sum(shares[part] * weight for part, weight in known.items())
    largest = max(known.values())
    return [known.get(part, largest) / mean for part in range(num_parts)]
