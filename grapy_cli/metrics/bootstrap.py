"""How much a score depends on the choice of photos: the bootstrap, photo by photo."""

import hashlib
import math

import numpy as np
from jaxtyping import Int64

from grapy_cli.metrics.scores import means_of

NUM_REPLICATES = 1000
BOUNDS = (0.025, 0.975)
"""Percentiles of the 95 % interval."""

_RANGE = 1 << 32
_STEPS = np.array(
    [_RANGE * sum(math.exp(-1) / math.factorial(k) for k in range(n + 1)) for n in range(12)]
)
"""32-bit numbers at which the cumulative Poisson distribution of mean 1 goes from n to n + 1."""


def replicate_weights(key: str) -> Int64[np.ndarray, "1000"]:
    """Draw how often a photo counts in each replicate.

    Photos drawn with replacement occur Poisson(1) times each, almost independently of each other.
    So the numbers of a photo depend only on its key: not on the order, the number of processes, an
    interruption, or the number of photos.

    Source: Chamandy et al. 2012, Estimating uncertainty for massive data streams.
    """
    noise = hashlib.shake_256(key.encode(errors="surrogateescape")).digest(4 * NUM_REPLICATES)
    return np.searchsorted(_STEPS, np.frombuffer(noise, "<u4"), side="right").astype(np.int64)


def intervals_of(replicates: Int64[np.ndarray, "r 3 p"]) -> dict[str, tuple[float, float]]:
    """Compute the 95 % interval of each score over all parts, by name; empty without counts.

    Args:
        replicates: `totals_of` of the photos of each replicate.
    """
    intervals = {}
    for name, scores in means_of(replicates).items():
        known = scores[~np.isnan(scores)]
        if len(known):
            low, high = np.quantile(known, BOUNDS)
            intervals[name] = (float(low), float(high))
    return intervals
