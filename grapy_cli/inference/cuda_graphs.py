"""Work on a CUDA GPU that is replayed as CUDA graphs.

A forward pass is hundreds of small kernels, and Python takes longer to launch each one than a GPU
takes to run it. A CUDA graph launches all of them at once. A graph is valid for one input shape, so
each shape that comes again gets its own graph. The replayed kernels are the same ones.
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

MOST_GRAPHS = 64
"""Graphs kept for one function: photos with a longest side of 448 pixels have fewer sizes."""
WARM_UPS = 3
"""Runs before the capture, in which libraries choose their algorithms."""

_LOCK = Lock()


class GraphReplay:
    """Runs a function on tensors, and replays a CUDA graph for shapes that have come before.

    A new graph replaces the least recently used one. Where a function cannot be captured, it runs
    step by step. Threads may share one object.

    Args:
        work: Takes a tensor and returns one. It runs on the GPU, never waits for the GPU, and
            depends on nothing but the tensor.
        capture: Captures `work` on a tensor, and returns a function that replays it on other
            tensors of that shape; raises a RuntimeError where that is impossible.
    """

    def __init__(self, work: Work, capture: Capture, most: int = MOST_GRAPHS) -> None:
        self._work = work
        self._capture = capture
        self._most = most
        self._seen: deque[object] = deque(maxlen=most)
        self._graphs: OrderedDict[object, Work | None] = OrderedDict()
        self._can_capture = True

    def __call__(self, given: Tensor) -> Tensor:
        """Run the function."""
        with _LOCK:  # no thread waits for the GPU while it holds this
            replay = self._graph_of(given)
            if replay is not None:
                return replay(given)
        return self._work(given)

    @property
    def num_graphs(self) -> int:
        """Number of shapes that have a graph."""
        return sum(replay is not None for replay in self._graphs.values())

    def forget(self) -> None:
        """Drop all graphs, and the memory that only they can use."""
        with _LOCK:
            self._graphs.clear()

    def _graph_of(self, given: Tensor) -> Work | None:
        key = given.shape, given.dtype
        if key not in self._graphs:
            if key not in self._seen or not self._can_capture:
                self._seen.append(key)
                return None
            self._seen.remove(key)
            self._graphs[key] = self._try_to_capture(given)
            if len(self._graphs) > self._most:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    def _try_to_capture(self, given: Tensor) -> Work | None:
        try:
            return self._capture(self._work, given)
        except torch.OutOfMemoryError:
            return None
        except RuntimeError:  # a step that waits for the GPU: other shapes have it as well
            self._can_capture = False
            return None


def capture_on_gpu(work: Work, given: Tensor) -> Work:
    """Capture work on a tensor as a CUDA graph, and return what replays it on others of its shape.

    All graphs of a GPU share one memory pool, so together they need the memory of the largest. One
    graph must have run, and its result must have been copied, before the next one starts.
    `GraphReplay` ensures that, as long as all threads use the default stream of the GPU.

    Raises:
        RuntimeError: If the work cannot be captured.
    """
    device, static = given.device, given.clone()
    with torch.cuda.device(device):
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                work(static)
        current.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        try:
            # Other threads may use the GPU during the capture.
            with torch.cuda.graph(graph, pool=_pool(device), capture_error_mode="thread_local"):
                result = work(static)
        except RuntimeError:
            _pool.cache_clear()  # torch still counts this pool as used by the failed capture
            raise

    def replay(fresh: Tensor) -> Tensor:
        static.copy_(fresh)
        graph.replay()
        return result.clone()  # the next replay writes its result to the same place

    return replay


@cache
def _pool(device: torch.device) -> Any:  # noqa: ANN401 - torch's handle has no type
    return torch.cuda.graph_pool_handle()
