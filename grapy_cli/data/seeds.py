"""Where chance comes from: each sample has a generator of its own, so no state needs saving."""

import numpy as np


def sample_generator(
    seed: int, epoch: int, group: int, index: int, times: int = 0
) -> np.random.Generator:
    """Return the generator a sample's augmentation draws from.

    It depends on nothing but its arguments: the same for any number of workers and processes, and
    after any interruption.

    Args:
        seed: Of the run.
        epoch: From 0.
        group: Whose photo.
        index: Which of its photos.
        times: How often this epoch has shown it before.
    """
    # A zero at the end would change the seed: first showings have none, as they always had.
    again = [times] if times else []
    return np.random.Generator(np.random.PCG64([seed, epoch, group, index, *again]))
