"""How much of a parsing is likely wrong, told without knowing the truth."""

import numpy as np
from jaxtyping import Bool, Float, Num


def wrong_share(
    trust: Float[np.ndarray, "h w"], person: Num[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]
) -> float:
    """Expect what share of a photo's person is wrong, in [0, 1].

    The pixels expected to be wrong, wherever they are, over those and the person's that are
    expected to be right. A mean over the photo would praise a large background, and one over what
    was found the person that was overlooked. Where nobody is found the share is 1: there may be
    nobody, but nothing says so.

    Source: of the candidates that `tests/benchmarks/doubt.py` compares with the true error of
        photos like and unlike the training ones, this is the best on both.

    Args:
        trust: Probability that a pixel is right.
        person: Whether a pixel shows somebody by its parsing, or the share of parsings that say so.
    """
    wrong = trust.size - float(trust.sum(dtype=np.float64))
    right = float(np.einsum("hw,hw->", person, trust, dtype=np.float64, casting="unsafe"))
    return wrong / (wrong + right) if wrong + right > 0 else 1.0
