"""The result for one photo: the part that each pixel shows, and how sure the network is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float16, Float32, UInt8
from PIL import Image
from torch import Tensor

from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.image_io import render
from grapy_cli.image_io.label_maps import count_ids, look_up, save_label_map
from grapy_cli.inference.doubt import areas, wrong_share
from grapy_cli.inference.frame import Frame, cropped
from grapy_cli.inference.gpu_transfer import to_array
from grapy_cli.inference.upsampled_argmax import argmax, upsampled_argmax
from grapy_cli.labels import LabelSet, Level
from grapy_cli.model.deeplab import resize
from grapy_cli.runtime.profiler import span

Photo = str | Path | bytes | Image.Image | np.ndarray
"""A file, its bytes, a picture of Pillow, or an array; see `read_array`."""

LOGITS_AT_ONCE = {"cpu": 2**18, "cuda": 2**26}
"""Logits that are held at the photo's own size at one time, by kind of device.

This bounds the memory. On a CPU they also stay in its cache, which halves the time.
"""


@dataclass(frozen=True, repr=False)
class Parsing:
    """The parsing of one photo by one label set, at the photo's own size."""

    seen: UInt8[np.ndarray, "_u _v 3"]
    """The photo as it was read: RGB, upright, perhaps smaller than it is."""
    label_map: UInt8[np.ndarray, "h w"]
    logits: Float[Tensor, "p u v"]
    """Unnormalized scores on the network's grid."""
    label_set: LabelSet
    frame: Frame | None = None
    """Where the photo lies on that grid; None where its corners are those of the grid."""

    @classmethod
    def of(
        cls,
        seen: UInt8[np.ndarray, "h w 3"],
        logits: Float[Tensor, "p u v"],
        label_set: LabelSet,
        size: tuple[int, int] | None = None,
        frame: Frame | None = None,
    ) -> "Parsing":
        """Choose the part of each pixel from logits on a grid of any size.

        Args:
            size: The photo's own height and width; those of `seen` by default.
            frame: Where the photo lies on the grid; its corners are those of the grid by default.
        """
        height, width = size or seen.shape[:2]
        if frame is not None:
            logits, frame = cropped(logits, frame)
        return cls(seen, choose_parts(logits, height, width, frame), logits, label_set, frame)

    @cached_property
    def photo(self) -> UInt8[np.ndarray, "h w 3"]:
        """The photo at its own size, RGB, upright; enlarged where it was read smaller."""
        height, width = self.label_map.shape
        if self.seen.shape[:2] == (height, width):
            return self.seen
        return np.asarray(Image.fromarray(self.seen).resize((width, height)))

    def label_map_at(self, level: int) -> UInt8[np.ndarray, "h w"]:
        """The label map of a level: 3 parts, 2 groups, 1 person."""
        if level == Level.PART:
            return self.label_map
        return look_up(self.label_map, self.label_set.lift(level))

    @cached_property
    def confidence(self) -> Float32[np.ndarray, "h w"]:
        """Probability of the part that won at each pixel, in [0, 1].

        It takes much longer than the label map, so it is computed when it is first asked for.
        """
        return self._at_pixels(_probability_of_best, np.empty(self.label_map.shape, np.float32))

    @cached_property
    def grid_confidence(self) -> Float[np.ndarray, "u v"]:
        """As `confidence`, at the points of the network's grid."""
        return to_array(_probability_of_best(self.logits))

    @cached_property
    def mean_confidence(self) -> float:
        """Mean of `grid_confidence` over the photo, each point weighed by its area, in [0, 1]."""
        return float(np.average(self.grid_confidence, weights=areas(*self.grid_confidence.shape)))

    @cached_property
    def shares(self) -> dict[str, float]:
        """Share of the photo that each part covers, in [0, 1], of the parts that it shows."""
        counts = count_ids(self.label_map).tolist()
        return {
            name: round(count / self.label_map.size, 6)
            for name, count in zip(self.label_set.names, counts, strict=False)
            if count
        }

    @cached_property
    def doubt(self) -> float:
        """Share of the person that is likely wrong, on the network's grid; see `wrong_share`."""
        return wrong_share(self.grid_confidence, to_array(argmax(self.logits)) > 0)

    def save_mask(self, path: str | Path, level: int = Level.PART) -> None:
        """Write the mask: an indexed PNG whose values are part ids, with the parts' colors."""
        save_label_map(Path(path), self.label_map_at(level), self.label_set.palette(level))

    def probabilities(self) -> Float16[np.ndarray, "p h w"]:
        """Probability of each part at each pixel of the photo; at each pixel they sum to 1."""
        shape = self.label_set.num_parts, *self.label_map.shape
        return self._at_pixels(lambda strip: strip.softmax(0).half(), np.empty(shape, np.float16))

    def entropy(self) -> Float32[np.ndarray, "h w"]:
        """Entropy of the probabilities at each pixel, in nats.

        From 0, certain, to the log of the number of parts, all of them equally likely.
        """
        return self._at_pixels(_entropy, np.empty(self.label_map.shape, np.float32))

    def _at_pixels(
        self, measure: Callable[[Tensor], Tensor], filled: Float[np.ndarray, "*p h w"]
    ) -> Float[np.ndarray, "*p h w"]:
        """Fill an array with what logits at the photo's own size give, strip by strip."""
        height, width = self.label_map.shape
        for rows, strip in _resized_strips(self.logits, height, width, self.frame):
            filled[..., rows, :] = to_array(measure(strip))
        return filled

    def color(self, level: int = Level.PART) -> Image.Image:
        """The parts as flat colors, RGB."""
        return render.color_mask(self.label_map_at(level), self.label_set.nodes(level))

    def overlay(self, level: int = Level.PART, alpha: float = 0.6) -> Image.Image:
        """The photo with the colors of its parts over it, and a legend of the parts it shows."""
        if not 0 <= alpha <= 1:
            raise SettingsError(f"alpha must be in [0, 1], not {alpha}")
        nodes = self.label_set.nodes(level)
        return render.overlay(self.photo, self.label_map_at(level), nodes, alpha)

    def __repr__(self) -> str:
        """Say in one line which parts the photo shows, the largest first."""
        height, width = self.label_map.shape
        largest = sorted(self.shares.items(), key=lambda row: -row[1])
        parts = ", ".join(f"{name} {share:.1%}" for name, share in largest)
        return f"Parsing({self.label_set.name}, {width}x{height} pixels: {parts})"

    def _repr_png_(self) -> bytes:
        """Return the overlay as a PNG: notebooks show it."""
        png = BytesIO()
        self.overlay().save(png, format="PNG")
        return png.getvalue()


class PhotoResult(NamedTuple):
    """What became of one of many photos: its parsings, or why it has none."""

    photo: Photo
    """As it was passed."""
    parsings: dict[str, Parsing] | None = None
    """By label set; None where there is an error."""
    error: PhotoError | None = None


@span("choosing parts")
def choose_parts(
    logits: Float[Tensor, "p u v"], height: int, width: int, frame: Frame | None = None
) -> UInt8[np.ndarray, "{height} {width}"]:
    """Return the part with the largest logit at each pixel of a photo of that size."""
    return to_array(upsampled_argmax(logits, height, width, frame))


def _probability_of_best(logits: Float[Tensor, "p h w"]) -> Float32[Tensor, "h w"]:
    """Return the largest of the softmax over parts."""
    # Subtracted from itself the best logit is 0, whose exponential is 1.
    return (logits - logits.amax(0)).exp_().sum(0).reciprocal_().float()


def _entropy(logits: Float[Tensor, "p h w"]) -> Float32[Tensor, "h w"]:
    logs = logits.log_softmax(0)
    return -(logs.exp() * logs).sum(0).float()


def _resized_strips(
    logits: Float[Tensor, "p u v"], height: int, width: int, frame: Frame | None
) -> Iterator[tuple[slice, Float[Tensor, "p r {width}"]]]:
    """Resize logits strip by strip, so that a large photo never has all its logits in memory.

    Resizing is separable: columns are resized once, for the few rows that the logits have.
    """
    if frame is None:
        frame = Frame(0, 0, logits.shape[1] - 1, logits.shape[2] - 1)
        wide = resize(logits[None], logits.shape[1], width)[0]
    else:
        places = torch.linspace(frame.left, frame.right, width, dtype=torch.float64)
        wide = _interpolated(logits.mT, places.to(logits.device)).mT
    step = (frame.bottom - frame.top) / max(1, height - 1)
    at_once = LOGITS_AT_ONCE.get(logits.device.type, LOGITS_AT_ONCE["cuda"])
    num_rows = max(1, at_once // (logits.shape[0] * width))
    for top in range(0, height, num_rows):
        rows = torch.arange(top, min(top + num_rows, height), device=logits.device)
        yield slice(top, top + len(rows)), _interpolated(wide, frame.top + rows * step)


def _interpolated(
    logits: Float[Tensor, "p u v"], places: Float[Tensor, " r"]
) -> Float[Tensor, "p r v"]:
    """Interpolate logits at rows between their own; outside them the outermost ones hold."""
    last = logits.shape[1] - 1
    places = places.clamp(0, last)
    above = places.floor().long()
    below = (above + 1).clamp(max=last)
    upper, lower = logits.index_select(1, above), logits.index_select(1, below)
    return torch.lerp(upper, lower, (places - above).to(logits)[:, None])
