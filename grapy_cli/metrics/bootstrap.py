"""How much a score would differ had other photos been taken: the bootstrap, photo by photo."""

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
"""Where the cumulated Poisson distribution of mean 1 goes from n to n + 1, of 32-bit numbers."""


def replicate_weights(key: str) -> Int64[np.ndarray, "1000"]:
    """How often a photo counts in each replicate.

    Photos drawn with replacement occur Poisson(1) times each, all but independently of each other.
    So a photo's numbers can come from its key alone: whatever the order, the number of processes
    or a stop on the way, and without knowing how many photos there are.

    Source: Chamandy et al. 2012, Estimating uncertainty for massive data streams.
    """
    noise = hashlib.shake_256(key.encode(errors="surrogateescape")).digest(4 * NUM_REPLICATES)
    return np.searchsorted(_STEPS, np.frombuffer(noise, "<u4"), side="right").astype(np.int64)


def intervals_of(replicates: Int64[np.ndarray, "r 3 p"]) -> dict[str, tuple[float, float]]:
    """The 95 % interval of each score of all parts, by its name; empty where nothing was counted.

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
