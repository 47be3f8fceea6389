"""Boxes around regions."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool


class Box(NamedTuple):
    """The smallest rectangle around a region, pixels."""

    left: int
    top: int
    width: int
    height: int

    @property
    def crop(self) -> tuple[slice, slice]:
        """Index that crops a picture to the rectangle."""
        rows = slice(self.top, self.top + self.height)
        return rows, slice(self.left, self.left + self.width)


def box_of(region: Bool[np.ndarray, "h w"]) -> Box:
    """Find the box of a region that is not empty."""
    xs, ys = np.flatnonzero(region.any(0)), np.flatnonzero(region.any(1))
    return Box(int(xs[0]), int(ys[0]), int(xs[-1] - xs[0] + 1), int(ys[-1] - ys[0] + 1))
