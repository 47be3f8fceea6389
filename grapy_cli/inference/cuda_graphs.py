"""Work of a CUDA card that is repeated from recordings instead of being spelled out each time.

A forward pass is hundreds of small steps, and Python takes longer to name each than a card to do
it. A recording (a CUDA graph) names all of them at once. It is good for one size of input alone, so
each size that comes again has its own; and what is repeated are the very same steps.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import torch
from torch import Tensor

Work = Callable[[Tensor], Tensor]
Capture = Callable[[Work, Tensor], Work]

RECORDINGS = 64
"""Kept of one piece of work: more than photos of a longest side of 448 pixels have sizes."""
WARM_UPS = 3
"""Times that work is done before it is recorded, so that libraries have made their choices."""

_BY_TURNS = Lock()


class GraphReplay:
    """Does a piece of work on tensors, from recordings where their shape has come before.

    The recording that was not used for the longest time makes room for a new one. Where work
    cannot be recorded it is done step by step. Threads may share it.

    Args:
        work: Takes a tensor and gives one. All it does is done by the card, which it never waits
            for, and hangs on nothing but the tensor.
        record: Records work on a tensor, and gives what repeats it on others of that shape; raises
            a RuntimeError where that cannot be.
        most: Recordings that are kept.
    """

    def __init__(self, work: Work, record: Capture, most: int = RECORDINGS) -> None:
        self._work = work
        self._record = record
        self._most = most
        self._seen: deque[object] = deque(maxlen=most)
        self._recordings: OrderedDict[object, Work | None] = OrderedDict()
        self._can_record = True

    def __call__(self, given: Tensor) -> Tensor:
        """Do the work."""
        with _BY_TURNS:  # nobody waits for the card in here
            replay = self._recording_of(given)
            if replay is not None:
                return replay(given)
        return self._work(given)

    @property
    def recordings(self) -> int:
        """How many shapes have one."""
        return sum(replay is not None for replay in self._recordings.values())

    def forget(self) -> None:
        """Give up all recordings, and the memory that nothing else can use meanwhile."""
        with _BY_TURNS:
            self._recordings.clear()

    def _recording_of(self, given: Tensor) -> Work | None:
        key = given.shape, given.dtype
        if key not in self._recordings:
            if key not in self._seen or not self._can_record:
                self._seen.append(key)
                return None
            self._seen.remove(key)
            self._recordings[key] = self._try_to_record(given)
            if len(self._recordings) > self._most:
                self._recordings.popitem(last=False)
        self._recordings.move_to_end(key)
        return self._recordings[key]

    def _try_to_record(self, given: Tensor) -> Work | None:
        try:
            return self._record(self._work, given)
        except torch.OutOfMemoryError:
            return None
        except RuntimeError:  # a step that waits for the card, which other shapes have as well
            self._can_record = False
            return None


def capture_on_gpu(work: Work, given: Tensor) -> Work:
    """Record work on a tensor as a CUDA graph, and give what repeats it on others of its shape.

    All recordings of a card have their memory in common, so together they need that of the
    largest: one must have been repeated and its result taken before the next begins. `Replayed`
    sees to that, as long as all threads leave the card on its usual stream.

    Raises:
        RuntimeError: If it cannot be recorded.
    """
    device, own = given.device, given.clone()
    with torch.cuda.device(device):
        here, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(here)
        with torch.cuda.stream(beside):
            for _ in range(WARM_UPS):
                work(own)
        here.wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads go on meanwhile with what they do on the card.
            with torch.cuda.graph(graph, pool=_pool(device), capture_error_mode="thread_local"):
                result = work(own)
        except RuntimeError:
            _pool.cache_clear()  # torch believes that the failed recording still has this one
            raise

    def replay(fresh: Tensor) -> Tensor:
        own.copy_(fresh)
        graph.replay()
        return result.clone()  # the next one has its result in the same place

    return replay


@cache
def _pool(device: torch.device) -> Any:  # noqa: ANN401 - a handle of torch's own
    return torch.cuda.graph_pool_handle()
