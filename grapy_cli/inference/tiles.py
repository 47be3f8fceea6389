"""Parse large photos in overlapping tiles, which bounds the network's memory."""

from collections.abc import Callable, Iterator, Mapping
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

STRIDE = 4
"""Pixels of a photo per pixel of logits."""

Photo = UInt8[np.ndarray, "h w 3"]
REACH = 288
"""Pixels to each side on which a result depends: the widest dilation of ASPP at both strides.
Nearer to the edge of a tile, results differ from those of the whole photo."""

SMALLEST = 512
"""Side of the smallest tile, pixels: smaller tiles show too little of a person."""

_NEARLY_NOTHING = 1e-6  # keeps the sum of weights above zero for tiles of any size

TileLogits = Callable[[Photo], Mapping[str, Float[Tensor, "_p u v"]]]


class TileLimit:
    """The side of tiles; it shrinks permanently when there is not enough memory.

    Args:
        side: Pixels; photos that are not larger are parsed whole. 0 parses all photos whole.
        told: Called once with the message that photos are parsed in tiles for lack of memory.
    """

    def __init__(self, side: int = 0, told: Callable[[str], object] = lambda text: None) -> None:
        self.side = side
        self.told = told
        self._lock = Lock()

    def shrink(self, tried: int, largest: int) -> int:
        """Choose a tile smaller than the one that did not fit into memory; 0 if there is none.

        Args:
            tried: The tile, 0 for none.
            largest: Side of the largest version of the photo, pixels.
        """
        tried = min(tried or largest, largest)
        if tried <= SMALLEST:
            return 0
        with self._lock:
            smaller = max(SMALLEST, tried // 2)
            if not self.side or smaller < self.side:
                self.side = smaller
                told, self.told = self.told, lambda text: None
                told(f"memory is short: large photos are parsed in tiles of {smaller} pixels")
            return smaller


def blend_tiles(
    photo: Photo, side: int, grid: int, logits_of: TileLogits
) -> dict[str, Float[Tensor, "_p u v"]]:
    """Parse a photo tile by tile and blend the logits where tiles overlap.

    The weight of a tile falls smoothly to zero toward its cut edges, where it has the least
    context. Tiles start on the grid, so that all of them have their logits at the same pixels,
    every fourth of the photo, and nothing is resized.

    Args:
        photo: Its sides are multiples of the grid plus one.
        side: Side of a tile, pixels; it is brought onto the grid.
        grid: Pixels of the deepest features, a multiple of 4.
        logits_of: Parses a tile by each label set; logits at every fourth pixel.
    """
    height, width = map(at_stride, photo.shape[:2])
    sums: dict[str, Tensor] = {}
    weights = np.zeros((height, width), np.float32)
    for rows, columns in _tiles(photo.shape[0], photo.shape[1], side, grid):
        tile = np.ascontiguousarray(photo[rows, columns])
        window = np.outer(_window(rows, photo.shape[0]), _window(columns, photo.shape[1]))
        place = np.s_[..., _small(rows), _small(columns)]
        weights[place] += window
        for name, logits in logits_of(tile).items():
            if name not in sums:
                sums[name] = logits.new_zeros((logits.shape[0], height, width))
            sums[name][place] += logits * torch.from_numpy(window).to(logits)
    return {name: total.div_(torch.from_numpy(weights).to(total)) for name, total in sums.items()}


def starts(length: int, side: int, grid: int) -> list[int]:
    """Return where tiles begin along one side of a photo, pixels: evenly, on the grid.

    Neighbors overlap by the margins without weight, see `_window`, and by the blended strip.
    """
    if length <= side:
        return [0]
    steps = (length - side) // grid
    step = side - 2 * _weightless(side) - side // 8
    count = -(-steps // max(1, step // grid))
    return [round(steps * index / count) * grid for index in range(count + 1)]


def _tiles(height: int, width: int, side: int, grid: int) -> Iterator[tuple[slice, slice]]:
    side = max(1, side // grid) * grid + 1
    for top in starts(height, side, grid):
        for left in starts(width, side, grid):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def at_stride(length: int) -> int:
    """Return the pixels of logits along a side of a photo."""
    return (length - 1) // STRIDE + 1


def _small(part: slice) -> slice:
    return slice(part.start // STRIDE, at_stride(part.stop))


def _weightless(side: int) -> int:
    """Return the pixels from a cut edge in which the tile has no weight."""
    return min(REACH, side // 4)


def _window(part: slice, length: int) -> Float32[np.ndarray, " n"]:
    """Return weights along one side of a tile: zero near a cut, then smoothly up to 1.

    The photo's own border is not a cut: there the tile has the context of the whole photo.
    """
    side = part.stop - part.start
    places = np.arange(at_stride(side)) * STRIDE
    before = places if part.start > 0 else np.full_like(places, side)
    after = places[::-1] if part.stop < length else np.full_like(places, side)
    ramp = np.clip(8 * (np.minimum(before, after) - _weightless(side)) / side, 0, 1)
    return (np.sin(np.pi / 2 * ramp) ** 2 + _NEARLY_NOTHING).astype(np.float32)
