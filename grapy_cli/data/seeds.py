"""Where chance comes from: each sample has a generator of its own, so no state needs saving."""

import numpy as np


def sample_generator(seed: int, epoch: int, group: int, index: int) -> np.random.Generator:
    """Return the generator a sample's augmentation draws from.

    It depends on nothing but its arguments: the same for any number of workers and processes, and
    after any interruption.
    """
    return np.random.Generator(np.random.PCG64([seed, epoch, group, index]))
