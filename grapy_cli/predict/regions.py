"""What can be said of a region in numbers."""

import numpy as np
from jaxtyping import Bool


def box_of(region: Bool[np.ndarray, "h w"]) -> list[int]:
    """Left, top, width and height, pixels, of a region that is not empty."""
    xs, ys = np.flatnonzero(region.any(0)), np.flatnonzero(region.any(1))
    return [int(xs[0]), int(ys[0]), int(xs[-1] - xs[0] + 1), int(ys[-1] - ys[0] + 1)]
