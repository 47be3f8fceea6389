"""A training sample, which is a photo with its label maps, and a batch of samples."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

COARSE = "*"
"""Key of the coarse map among a sample's label maps, a name that no data set can have. It has
labels of levels 2 and 1; see `labels/vocabulary.py` for its ids."""


@dataclass(frozen=True)
class Sample:
    """A photo and one label map for each label set it is annotated in, all of one size."""

    photo: UInt8[np.ndarray, "h w 3"]
    """RGB."""
    label_maps: Mapping[str, UInt8[np.ndarray, "h w"]]
    """By data set; 255 is ignored. A coarse map is among them if the data set has one."""
    key: str

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets it is annotated in."""
        return tuple(name for name in self.label_maps if name != COARSE)

    @property
    def people(self) -> Bool[np.ndarray, "h w"]:
        """Pixels that any label map labels or ignores: all others are certainly background."""
        return np.logical_or.reduce([label_map > 0 for label_map in self.label_maps.values()])

    def changed(
        self,
        photo: UInt8[np.ndarray, "u v 3"],
        change: Callable[[str, UInt8[np.ndarray, "h w"]], UInt8[np.ndarray, "u v"]],
    ) -> "Sample":
        """Return the sample with another photo, and each label map changed, given its name."""
        maps = {name: change(name, label_map) for name, label_map in self.label_maps.items()}
        return Sample(photo, maps, self.key)


@dataclass(frozen=True)
class Batch:
    """Samples of one size; each label set has the photos that are annotated in it."""

    photos: UInt8[Tensor, "b 3 h w"]
    """RGB in [0, 255]; bytes, because they are sent between processes and to the device."""
    label_maps: Mapping[str, UInt8[Tensor, "_ h w"]]
    rows: Mapping[str, Int64[Tensor, " _"]]
    """By label set, the photo each of its label maps belongs to."""
    keys: tuple[str, ...]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Batch":
        """Stack samples."""
        photos = np.stack([sample.photo for sample in samples])
        names = dict.fromkeys(name for sample in samples for name in sample.label_maps)
        rows = {
            name: [row for row, sample in enumerate(samples) if name in sample.label_maps]
            for name in names
        }
        label_maps = {
            name: np.stack([samples[row].label_maps[name] for row in rows[name]]) for name in names
        }
        return cls(
            torch.from_numpy(photos).permute(0, 3, 1, 2),  # channels last in memory
            {name: torch.from_numpy(maps) for name, maps in label_maps.items()},
            {name: torch.tensor(indices) for name, indices in rows.items()},
            tuple(sample.key for sample in samples),
        )

    @property
    def datasets(self) -> tuple[str, ...]:
        """The label sets its photos are annotated in."""
        return tuple(name for name in self.label_maps if name != COARSE)

    def parts(self, count: int) -> list["Batch"]:
        """Divide the photos into that many batches, each label set evenly."""
        return [self._part(number, count) for number in range(count)] if count > 1 else [self]

    def _part(self, number: int, count: int) -> "Batch":
        mine = {name: rows % count == number for name, rows in self.rows.items()}
        return Batch(
            self.photos[number::count],
            {name: self.label_maps[name][chosen] for name, chosen in mine.items()},
            {name: self.rows[name][chosen] // count for name, chosen in mine.items()},
            self.keys[number::count],
        )

    def share_memory(self) -> "Batch":
        """Move to memory that processes share; raises if it is full."""
        return self._moved(Tensor.share_memory_)

    def pin_memory(self) -> "Batch":
        """Move to page-locked memory, from which copies to a GPU overlap with computation."""
        return self._moved(Tensor.pin_memory)

    def to(self, device: torch.device) -> "Batch":
        """Move to a device."""
        return self._moved(lambda tensor: tensor.to(device, non_blocking=True))

    def _moved(self, move: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(
            move(self.photos),
            {name: move(maps) for name, maps in self.label_maps.items()},
            {name: move(rows) for name, rows in self.rows.items()},
            self.keys,
        )

    @property
    def images(self) -> Float[Tensor, "b 3 h w"]:
        """Input of the network: RGB in [-1, 1]."""
        return images_of(self.photos)


def images_of(photos: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Map bytes to the network's input range, [-1, 1]."""
    return photos.float().mul_(2 / 255).sub_(1)
