"""An estimate of how much of a parsing is wrong, made without knowing the truth."""

import numpy as np
from jaxtyping import Bool, Float, Num


def wrong_share(
    trust: Float[np.ndarray, "h w"], person: Num[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]
) -> float:
    """Estimate which share of a photo's person is wrong, in [0, 1].

    The area that is expected to be wrong, anywhere, over that area and the person's area that is
    expected to be right. A mean over the photo would reward a large background, and a mean over
    the person found would reward overlooking people. Without any person found the share is 1:
    there may be no person, but nothing confirms it.

    Source: of the candidates that `tests/benchmarks/doubt.py` compares with the true error of
        photos like and unlike the training photos, this is the best on both.

    Args:
        trust: Probability that a point of the grid is right.
        person: Whether the point shows a person, or the share of parsings that say so.
    """
    area = areas(*trust.shape)
    wrong = float(((1 - trust) * area).sum())
    right = float((trust * person * area).sum())
    return wrong / (wrong + right) if wrong + right > 0 else 1.0


def areas(height: int, width: int) -> Float[np.ndarray, "{height} {width}"]:
    """Return the area around each point of a grid, in cells.

    The outermost points lie on the edges of the photo, so only half of their cells is inside.
    """
    down, across = np.ones(height), np.ones(width)
    for side in (down, across):
        if len(side) > 1:
            side[[0, -1]] = 0.5
    return np.outer(down, across)
