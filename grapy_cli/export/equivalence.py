"""Check that another engine parses photos as torch does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from grapy_cli.errors import WeightsError
from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tta import TTA, Network, parse_logits

LOWEST_SHARE: Mapping[str, float] = {"fp32": 0.9999, "bf16": 0.97, "int8": 0.9}
"""Required share of pixels with the same part, by precision. Another order of exact arithmetic
changes pixels where two parts are equal to seven digits, and sometimes those that depend on them.
"""
LARGEST_DIFFERENCE = 1e-4
"""Of fp32 logits, in terms of `Agreement.usual`; typical is 1e-6."""

_USUAL = 0.999


@dataclass(frozen=True)
class Agreement:
    """How well two engines agree; differences are shares of the largest logit."""

    photos: int
    pixels: int
    equal: float
    """Share of pixels with the same part, over all label sets."""
    largest: float
    """Largest difference of any logit. One pixel at an edge that changes its part makes it large:
    the pyramid then adds the vector of another part to it."""
    usual: float
    """99.9th percentile of the differences, in the photo where it is largest."""

    def sentence(self) -> str:
        """Describe it in a sentence."""
        return (
            f"checked on {self.photos} photo{'s' if self.photos > 1 else ''}, mirrored as well: "
            f"masks agree with torch's on {100 * self.equal:.4f} % of {self.pixels} pixels; logits "
            f"differ by at most {self.largest:.1e} of the largest, 999 of 1000 by {self.usual:.1e}"
        )


def compare(
    parser: HumanParser,
    other: Network,
    photos: Iterable[ReadPhoto],
    told: Callable[[int], object] = lambda done: None,
) -> Agreement:
    """Parse photos, and their mirror images, by torch and by another engine.

    Args:
        parser: Has the network in torch, and the size for it.
        told: Called with the number of finished photos.
    """
    equal = pixels = count = 0
    largest = usual = 0.0
    for count, photo in enumerate(photos, 1):
        for one, two in _logits(parser, other, photo):
            difference = (one - two).abs() / one.abs().max().clamp(min=1e-30)
            largest = max(largest, float(difference.max()))
            usual = max(usual, float(np.quantile(difference.numpy(), _USUAL)))
            equal += int((one.argmax(0) == two.argmax(0)).sum())
            pixels += one[0].numel()
        told(count)
    return Agreement(count, pixels, equal / pixels, largest, usual)


def demand(agreement: Agreement, precision: str, share: float | None = None) -> None:
    """Refuse a file that agrees too little.

    Args:
        precision: fp32, bf16 or int8.
        share: Required share of equal pixels, instead of the default of the precision.

    Raises:
        WeightsError: If they agree too little.
    """
    wanted = LOWEST_SHARE[precision] if share is None else share
    differs = precision == "fp32" and not agreement.usual <= LARGEST_DIFFERENCE
    if differs or not agreement.equal >= wanted:
        raise WeightsError(
            f"the file was not kept, because it does not agree with torch: {agreement.sentence()}; "
            f"{100 * wanted:g} % are required",
            hint="Below fp32, more varied photos in --calibrate help; --agreement "
            "sets what is required.",
        )


def _logits(
    parser: HumanParser, other: Network, photo: ReadPhoto
) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
    size, grid, datasets = parser.size_of(photo), parser.grid, list(other.label_sets)
    one, two = (
        parse_logits(network, photo.pixels, datasets, TTA["flip"], size=size, grid=grid)
        for network in (parser.network, other)
    )
    return [(one[name], two[name]) for name in datasets]
