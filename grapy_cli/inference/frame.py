"""Where a photo lies on the grid of its logits."""

import math
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

Size = tuple[int, int]
"""Height and width: pixels of a photo, points of a grid."""


class Frame(NamedTuple):
    """Where the first and the last pixel of a photo lie on the grid of its logits.

    Coordinates of the grid: its first point is 0. Outside the grid its outermost points hold.
    """

    top: float
    left: float
    bottom: float
    right: float


def half_pixels(photo: Size, grid: Size) -> Frame:
    """The edges of the photo are those of the grid's cells: PyTorch's `align_corners=False`."""
    (top, bottom), (left, right) = (
        (0.5 * points / pixels - 0.5, (pixels - 0.5) * points / pixels - 0.5)
        for pixels, points in zip(photo, grid, strict=True)
    )
    return Frame(top, left, bottom, right)


def cropped(logits: Float[Tensor, "p u v"], frame: Frame) -> tuple[Float[Tensor, "p _u _v"], Frame]:
    """Leave out the points of the grid that no pixel of the photo depends on."""
    height, width = logits.shape[1:]
    top, left = max(0, math.floor(frame.top)), max(0, math.floor(frame.left))
    rows = slice(top, min(height, math.ceil(frame.bottom) + 1))
    columns = slice(left, min(width, math.ceil(frame.right) + 1))
    moved = Frame(frame.top - top, frame.left - left, frame.bottom - top, frame.right - left)
    return logits[:, rows, columns], moved
