"""What comes out for one photo: which part every pixel shows, and how sure the network is."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float16, Float32, UInt8
from PIL import Image
from torch import Tensor

from grapy_cli.image_io import render
from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.inference.doubt import wrong_share
from grapy_cli.inference.gpu_transfer import to_arrays
from grapy_cli.labels import LabelSet, Level
from grapy_cli.model.deeplab import resize
from grapy_cli.runtime.profiler import span

LOGITS_AT_ONCE = {"cpu": 2**18, "cuda": 2**26}
"""Logits that are held at the photo's own size at one time, by kind of device.

It bounds the memory; and on the CPU they stay in its cache, which halves the time of a large photo.
"""


@dataclass(frozen=True)
class Parsing:
    """The parsing of one photo by one label set, at the photo's own size."""

    seen: UInt8[np.ndarray, "_u _v 3"]
    """The photo as it was read: RGB, upright, perhaps smaller than it is."""
    label_map: UInt8[np.ndarray, "h w"]
    confidence: Float32[np.ndarray, "h w"]
    """Probability of the part that won, in [0, 1]."""
    logits: Float[Tensor, "p u v"]
    """Unnormalized scores at the size the network worked in."""
    label_set: LabelSet

    @classmethod
    def of(
        cls,
        seen: UInt8[np.ndarray, "h w 3"],
        logits: Float[Tensor, "p u v"],
        label_set: LabelSet,
        size: tuple[int, int] | None = None,
    ) -> "Parsing":
        """Read the parsing off logits of any size.

        Args:
            seen: The photo as it was read.
            logits: Of any size.
            label_set: Says what they are of.
            size: The photo's own height and width; those of `seen` by default.
        """
        height, width = size or seen.shape[:2]
        label_map, confidence = decide(logits, height, width)
        return cls(seen, label_map, confidence, logits, label_set)

    @cached_property
    def photo(self) -> UInt8[np.ndarray, "h w 3"]:
        """The photo, RGB, upright; where it was read smaller than it is, enlarged again."""
        height, width = self.label_map.shape
        if self.seen.shape[:2] == (height, width):
            return self.seen
        return np.asarray(Image.fromarray(self.seen).resize((width, height)))

    def label_map_at(self, level: int) -> UInt8[np.ndarray, "h w"]:
        """The label map of a level: 3 parts, 2 groups, 1 person."""
        if level == Level.PART:
            return self.label_map
        return np.asarray(self.label_set.lift(level), np.uint8)[self.label_map]

    @cached_property
    def shares(self) -> dict[str, float]:
        """Share of the photo each part covers, in [0, 1]; parts that are not there left out."""
        # Pillow counts bytes as they are; NumPy would make eight of each of them first.
        counts = Image.fromarray(self.label_map).histogram()
        return {
            name: round(count / self.label_map.size, 6)
            for name, count in zip(self.label_set.names, counts, strict=False)
            if count
        }

    @cached_property
    def doubt(self) -> float:
        """What share of the person is likely wrong, in [0, 1]; see `wrong_share`."""
        return wrong_share(self.confidence, self.label_map > 0)

    def save_mask(self, path: str | Path, level: int = Level.PART) -> None:
        """Write the mask: an indexed PNG whose values are ids and whose palette the colours."""
        save_label_map(Path(path), self.label_map_at(level), self.label_set.palette(level))

    def probabilities(self) -> Float16[np.ndarray, "p h w"]:
        """The probability of every part at every pixel of the photo; they add up to 1."""
        height, width = self.label_map.shape
        filled = np.empty((self.label_set.num_parts, height, width), np.float16)
        for rows, strip in _resized_strips(self.logits, height, width):
            filled[:, rows] = strip.softmax(0).half().cpu().numpy()
        return filled

    def entropy(self) -> Float32[np.ndarray, "h w"]:
        """How much the network wavers between parts at every pixel, in nats.

        From 0, certain, to the log of the number of parts, all of them equally likely.
        """
        height, width = self.label_map.shape
        filled = np.empty((height, width), np.float32)
        for rows, strip in _resized_strips(self.logits, height, width):
            logs = strip.log_softmax(0)
            filled[rows] = -(logs.exp() * logs).sum(0).float().cpu().numpy()
        return filled

    def color(self, level: int = Level.PART) -> Image.Image:
        """The parts as flat colours, RGB."""
        return render.color_mask(self.label_map_at(level), self.label_set.nodes(level))

    def overlay(self, level: int = Level.PART, alpha: float = 0.6) -> Image.Image:
        """The photo with its parts laid over it, and a legend of those that are there."""
        nodes = self.label_set.nodes(level)
        return render.overlay(self.photo, self.label_map_at(level), nodes, alpha)


@span("choosing parts")
def decide(
    logits: Float[Tensor, "p u v"], height: int, width: int
) -> tuple[UInt8[np.ndarray, "{height} {width}"], Float32[np.ndarray, "{height} {width}"]]:
    """Resize logits to a photo's size and take the best part of each pixel, and its probability."""
    label_map = np.empty((height, width), np.uint8)
    confidence = np.empty((height, width), np.float32)
    for rows, strip in _resized_strips(logits, height, width):
        best, part = strip.max(0)
        # The softmax of the best part, whose exponential is 1 once it is subtracted.
        share = strip.sub_(best).exp_().sum(0).reciprocal_().float()
        label_map[rows], confidence[rows] = to_arrays(part.to(torch.uint8), share)
    return label_map, confidence


def _resized_strips(
    logits: Float[Tensor, "p u v"], height: int, width: int
) -> Iterator[tuple[slice, Float[Tensor, "p r {width}"]]]:
    """Resize logits strip by strip, so that a large photo never has all its logits in memory.

    Resizing is separable: the columns are done once, for the few rows that the logits have.
    """
    wide = resize(logits[None], logits.shape[1], width)[0]
    step = (logits.shape[1] - 1) / max(1, height - 1)
    at_once = LOGITS_AT_ONCE.get(logits.device.type, LOGITS_AT_ONCE["cuda"])
    num_rows = max(1, at_once // (logits.shape[0] * width))
    for top in range(0, height, num_rows):
        rows = torch.arange(top, min(top + num_rows, height), device=logits.device) * step
        above = rows.floor().long().clamp(max=logits.shape[1] - 1)
        below = (above + 1).clamp(max=logits.shape[1] - 1)
        upper, lower = wide.index_select(1, above), wide.index_select(1, below)
        strip = torch.lerp(upper, lower, (rows - above).to(wide)[:, None])
        yield slice(top, top + len(rows)), strip
