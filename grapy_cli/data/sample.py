"""What the training works on: one photo with its label maps, and several of them as a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """A photo and one label map for each label set it is annotated in, all of one size."""

    photo: UInt8[np.ndarray, "h w 3"]
    """RGB."""
    label_maps: Mapping[str, UInt8[np.ndarray, "h w"]]
    """By data set; 255 is ignored."""
    key: str

    @property
    def people(self) -> Bool[np.ndarray, "h w"]:
        """Pixels that any label map labels or ignores: all else is background for certain."""
        return np.logical_or.reduce([label_map > 0 for label_map in self.label_maps.values()])


@dataclass(frozen=True)
class Batch:
    """Samples of one size, annotated in the same label sets."""

    photos: UInt8[Tensor, "b 3 h w"]
    """RGB in [0, 255]; bytes, because they travel between processes and to the device."""
    label_maps: Mapping[str, UInt8[Tensor, "b h w"]]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Batch":
        """Stack samples."""
        photos = np.stack([sample.photo.transpose(2, 0, 1) for sample in samples])
        label_maps = {
            name: torch.from_numpy(np.stack([sample.label_maps[name] for sample in samples]))
            for name in samples[0].label_maps
        }
        return cls(torch.from_numpy(photos), label_maps, tuple(sample.key for sample in samples))

    @property
    def datasets(self) -> tuple[str, ...]:
        """The label sets this batch is annotated in."""
        return tuple(self.label_maps)

    def pin_memory(self) -> "Batch":
        """Move to page-locked memory, from which a copy to a card runs beside the arithmetic."""
        pinned = {name: maps.pin_memory() for name, maps in self.label_maps.items()}
        return Batch(self.photos.pin_memory(), pinned, self.keys)

    def to(self, device: torch.device) -> "Batch":
        """Move to a device."""
        moved = {name: maps.to(device, non_blocking=True) for name, maps in self.label_maps.items()}
        return Batch(self.photos.to(device, non_blocking=True), moved, self.keys)

    @property
    def images(self) -> Float[Tensor, "b 3 h w"]:
        """What the network eats: RGB in [-1, 1]."""
        return images_of(self.photos)


def images_of(photos: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Map bytes to the range the network eats, [-1, 1]."""
    return photos.float() * (2 / 255) - 1
