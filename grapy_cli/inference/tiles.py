"""Large photos in overlapping tiles, so that the network's memory has a bound."""

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
"""Pixels that what is seen at one place depends on, to each side: the widest of ASPP's dilations,
at both output strides. So near the edge of a tile is not as it is in the whole photo."""

SMALLEST = 512
"""Side of the smallest tile that is tried, pixels: less shows too little of a person."""

_NEARLY_NOTHING = 1e-6  # so that no weights add up to zero, however small the tiles

TileLogits = Callable[[Photo], Mapping[str, Float[Tensor, "_p u v"]]]


class TileLimit:
    """The side of tiles, which shrinks for good when memory turns out to be short.

    Args:
        side: Pixels; photos that are no larger are parsed whole. 0 parses all of them whole.
        told: Hears once that photos are parsed in tiles because memory is short.
    """

    def __init__(self, side: int = 0, told: Callable[[str], object] = lambda text: None) -> None:
        self.side = side
        self.told = told
        self._lock = Lock()

    def shrink(self, tried: int, largest: int) -> int:
        """Choose a tile that is smaller than what memory did not suffice for; 0 if there is none.

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

    The weight of a tile falls smoothly to zero towards where it was cut, and knows least of what
    lies around. Tiles start on the grid, so that all of them have their logits at the same pixels,
    every fourth of the photo, and nothing is resized.

    Args:
        photo: Its sides lie on the grid: multiples of it, plus one.
        side: Of a tile, pixels; brought onto the grid.
        grid: Pixels of the deepest features, a multiple of 4.
        logits_of: Parses a tile by each label set; logits at every fourth pixel.
    """
    height, width = (_at_stride(length) for length in photo.shape[:2])
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
    """Where tiles begin along one side of a photo, pixels: evenly, on the grid.

    Neighbours share what neither is heard on, see `_window`, and what both are.
    """
    if length <= side:
        return [0]
    steps = (length - side) // grid
    step = side - 2 * _unheard(side) - side // 8
    count = -(-steps // max(1, step // grid))
    return [round(steps * index / count) * grid for index in range(count + 1)]


def _tiles(height: int, width: int, side: int, grid: int) -> Iterator[tuple[slice, slice]]:
    side = max(1, side // grid) * grid + 1
    for top in starts(height, side, grid):
        for left in starts(width, side, grid):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _at_stride(length: int) -> int:
    return (length - 1) // STRIDE + 1


def _small(part: slice) -> slice:
    """The same pixels in the logits."""
    return slice(part.start // STRIDE, _at_stride(part.stop))


def _unheard(side: int) -> int:
    """Pixels from the edge of a tile within which others are heard, where there are any."""
    return min(REACH, side // 4)


def _window(part: slice, length: int) -> Float32[np.ndarray, " n"]:
    """Weights along one side of a tile: nothing towards where it was cut, then smoothly up to 1.

    The photo's own border is no cut: there the tile knows as much as the whole photo.
    """
    side = part.stop - part.start
    places = np.arange(_at_stride(side)) * STRIDE
    before = places if part.start > 0 else np.full_like(places, side)
    after = places[::-1] if part.stop < length else np.full_like(places, side)
    ramp = np.clip(8 * (np.minimum(before, after) - _unheard(side)) / side, 0, 1)
    return (np.sin(np.pi / 2 * ramp) ** 2 + _NEARLY_NOTHING).astype(np.float32)
