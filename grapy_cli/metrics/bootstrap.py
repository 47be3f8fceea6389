"""Confidence intervals of scores: the bootstrap over photos."""

import hashlib
import math

import numpy as np
from jaxtyping import Int64

from grapy_cli.metrics.scores import means_of

NUM_REPLICATES = 1000
BOUNDS = (0.025, 0.975)
"""Of the 95 % interval."""

_RANGE = 1 << 32
_STEPS = np.array(
    [_RANGE * sum(math.exp(-1) / math.factorial(k) for k in range(n + 1)) for n in range(12)]
)
"""Steps of the cumulative Poisson distribution of mean 1, as 32-bit numbers."""


def replicate_weights(key: str) -> Int64[np.ndarray, "1000"]:
    """Return how often a photo counts in each replicate.

    Photos that are drawn with replacement occur Poisson(1) times each, almost independently. So the
    numbers of a photo depend only on its key: not on the order, the number of processes, a stop, or
    the number of photos.

    Source: Chamandy et al. 2012, Estimating uncertainty for massive data streams.
    """
    noise = hashlib.shake_256(key.encode(errors="surrogateescape")).digest(4 * NUM_REPLICATES)
    return np.searchsorted(_STEPS, np.frombuffer(noise, "<u4"), side="right").astype(np.int64)


def intervals_of(replicates: Int64[np.ndarray, "r 3 p"]) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of each mean score, by name; empty without counts.

    Args:
        replicates: `totals_of` the photos of each replicate.
    """
    intervals = {}
    for name, scores in means_of(replicates).items():
        known = scores[~np.isnan(scores)]
        if len(known):
            low, high = np.quantile(known, BOUNDS)
            intervals[name] = (float(low), float(high))
    return intervals
