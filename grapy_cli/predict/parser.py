"""The parser: a network with everything around it that turns a photo into a parsing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.errors import DatasetError, DeviceError
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.weights import WeightsCard, load_weights, resolve_weights
from grapy_cli.predict.augment import TTA, Augmentation, base_size, parse_logits
from grapy_cli.predict.parsing import Parsing
from grapy_cli.predict.photos import read_photo
from grapy_cli.runtime.device import is_out_of_memory, pick_device

Photo = str | Path | Image.Image | UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class HumanParser:
    """Parses photos of any size by any label set its weights know."""

    network: GrapyNet
    card: WeightsCard | None
    device: torch.device
    augmentation: Augmentation
    longest_side: int | None
    """Pixels the longest side is resized to for the network; None or 0 for photos as they are."""

    @classmethod
    def load(
        cls,
        weights: str | Path | None = None,
        *,
        device: str = "auto",
        tta: str = "none",
        longest_side: int | None = None,
    ) -> "HumanParser":
        """Load weights, by default those embedded in the package.

        Args:
            weights: A weights file, a run folder, or the name of embedded weights.
            device: auto, cpu, cuda, cuda:N or mps.
            tta: none, flip or paper.
            longest_side: See the class; unset takes what the weights were made for.

        Raises:
            WeightsError: If the weights cannot be read.
            DeviceError: If there is no such device.
        """
        chosen = pick_device(device)
        network, card = load_weights(resolve_weights(Path(weights) if weights else None))
        network = network.to(chosen).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        side = card.longest_side if longest_side is None else longest_side
        return cls(network, card, chosen, TTA[tta], side)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The label sets the weights know."""
        return tuple(self.network.label_sets)

    def parse(self, photo: Photo, dataset: str | None = None) -> Parsing:
        """Parse a photo by one label set; it may be left out where the weights know only one.

        Raises:
            PhotoError: If the photo cannot be read.
            DatasetError: If the weights do not know the label set.
        """
        if dataset is None:
            if len(self.datasets) != 1:
                raise DatasetError(f"say which label set: {', '.join(self.datasets) or '(none)'}")
            dataset = self.datasets[0]
        return self.parse_all(photo, [dataset])[dataset]

    def parse_all(self, photo: Photo, datasets: Sequence[str]) -> dict[str, Parsing]:
        """Parse a photo by several label sets with one pass of backbone and decoder.

        Raises:
            PhotoError: If the photo cannot be read.
            DatasetError: If the weights do not know a label set.
            DeviceError: If the device has not enough memory.
        """
        self.check_datasets(datasets)
        pixels = photo if isinstance(photo, np.ndarray) else read_photo(photo)
        # A photo that is resized anyway is brought onto the grid; one that is not stays as it is.
        grid = self.network.numbers.output_stride if self.longest_side else 0
        height, width = pixels.shape[:2]
        size = base_size(height, width, self.longest_side, grid=max(1, grid))
        try:
            logits = parse_logits(
                self.network, pixels, datasets, self.augmentation, size=size, grid=grid
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise DeviceError(
                f"{self.device} has not enough memory for a photo of {size[1]}x{size[0]} pixels",
                hint="Use a smaller --longest-side, or --device cpu.",
            ) from error
        return {
            dataset: Parsing.of(pixels, logits[dataset], self.network.label_sets[dataset])
            for dataset in datasets
        }

    def check_datasets(self, datasets: Sequence[str]) -> None:
        """Make sure that the weights know all of the label sets.

        Raises:
            DatasetError: If they do not.
        """
        unknown = [dataset for dataset in datasets if dataset not in self.network.label_sets]
        if unknown:
            raise DatasetError(
                f"the weights do not know the label set {unknown[0]!r}",
                hint=f"They know {', '.join(self.datasets) or 'none: they are for --init alone'}.",
            )
