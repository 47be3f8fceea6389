"""What every engine takes and returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
import torch
from jaxtyping import Num

Run = Callable[[Num[np.ndarray, "b 3 h w"]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class Place:
    """Where an engine computes."""

    device: torch.device
    threads: int
    """CPU threads that work on a photo."""
    photos: int = 1
    """Photos that are in the network at the same time."""


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


def runner_by_threads(load: Callable[[int], Runner], threads: int) -> Runner:
    """Run a network with as many CPU threads as torch would use in the thread that calls.

    An engine gets its threads when it loads a file. A single photo is worked on by all of them.
    Photos side by side get one each: so no thread waits for another, and logits do not depend on
    the number of cores. The file is loaded again for another number, and what never ran is dropped.

    With the embedded weights and two threads, a photo of 336x256 pixels took ONNX Runtime 88 ms of
    processor time side by side, 124 in a session that two callers share, and 162 one by one.

    Args:
        load: Loads the network for a number of threads.
        threads: The number that it is loaded for at once.
    """
    loaded, used, lock = {threads: load(threads)}, set[int](), Lock()

    def run(photos: Num[np.ndarray, "b 3 h w"]) -> Sequence[np.ndarray]:
        wanted = torch.get_num_threads()
        with lock:
            if wanted not in loaded:
                for unused in loaded.keys() - used:
                    del loaded[unused]
                loaded[wanted] = load(wanted)
            used.add(wanted)
            runner = loaded[wanted]
        return runner.run(photos)

    return replace(loaded[threads], run=run)
