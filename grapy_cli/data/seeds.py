"""Random generators: each sample has its own, so no random state has to be saved."""

import numpy as np


def sample_generator(
    seed: int, epoch: int, group: int, index: int, times: int = 0
) -> np.random.Generator:
    """Return the random generator for the augmentation of a sample.

    It depends only on its arguments: it is the same for any number of workers and processes, and
    after a resume.

    Args:
        epoch: From 0.
        times: How often this epoch has shown it before.
    """
    # A zero at the end would change the seed of first showings.
    again = [times] if times else []
    return np.random.Generator(np.random.PCG64([seed, epoch, group, index, *again]))
