"""What every engine takes and returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Num

Run = Callable[[Num[np.ndarray, "b 3 h w"]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class Place:
    """Where an engine computes."""

    device: torch.device
    threads: int
    """CPU threads."""


@dataclass(frozen=True)
class Runner:
    """A network loaded into an engine."""

    run: Run
    """Photos in, one array `b p h4 w4` of logits for each output; what it gives may be overwritten
    by the next call of the same thread."""
    outputs: Sequence[str]
    """Their names."""
    engine: str
    """Name and version."""
