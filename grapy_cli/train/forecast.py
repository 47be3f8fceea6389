"""What a step of a run takes, foreseen from two small passes before the first step.

Memory and time of a pass grow with its pixels in a straight line. So two passes over small random
photos are enough to say whether a large one fits, without a step that the system would kill.
"""

import math
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from grapy_cli.data.sample import Batch
from grapy_cli.errors import DeviceError
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.memory import free_memory
from grapy_cli.train.loss_module import LossModule

SIDES = (128, 192)
"""Of the photos of the two passes, pixels."""

PHOTOS = 2
"""Of each pass: batch norm needs as many."""

MARGIN = 1.3
"""Times what tensors take: libraries use memory for their own work beside them, and freed memory is
not all given back. Measured with the paper's network, 4 photos of 512x512 on a CPU."""

MUCH = 0.8
"""Share of the free memory above which a run is warned of."""

LONG = 7 * 86400.0
"""Seconds of a run above which it is warned of."""

STATES: Mapping[str, int] = {"sgd": 1, "adamw": 2}
"""Numbers that an optimizer keeps for each parameter, by name."""


@dataclass(frozen=True)
class Forecast:
    """What a step takes."""

    memory: int
    """Bytes, in addition to what is in use before the first step."""
    free: int | None
    """Bytes that the device has; None if it is unknown."""
    seconds: float


class _Pass(NamedTuple):
    pixels: int
    memory: int
    seconds: float


def forecast(
    module: LossModule,
    label_sets: Sequence[LabelSet],
    *,
    photos: int,
    crop: tuple[int, int],
    passes: int,
    optimizer: str,
    processes: int,
    device: torch.device,
) -> Forecast | None:
    """Foresee a step; the network, its statistics and random numbers stay as they are.

    Args:
        label_sets: Those of one photo with the most to learn from.
        photos: Of one pass of this process.
        crop: Height and width of a photo, pixels.
        passes: Of a step.
        optimizer: Row of `STATES`.
        processes: That share this machine's memory.

    Returns:
        None where a pass is hardly larger than those it would be foreseen from, or is compiled.
    """
    pixels = photos * crop[0] * crop[1]
    if pixels < 4 * PHOTOS * SIDES[1] ** 2 or module.numbers.compile:
        return None
    with _left_as_it_is(module, device):
        small, large = (_try_pass(module, label_sets, side, device) for side in SIDES)
    slope = (large.memory - small.memory) / (large.pixels - small.pixels)
    fixed = max(0.0, large.memory - slope * large.pixels)
    parameters = sum(one.numel() * one.element_size() for one in module.parameters())
    memory = MARGIN * (fixed + slope * pixels) + STATES[optimizer] * parameters
    return Forecast(
        memory=round(memory * (processes if device.type == "cpu" else 1)),
        free=free_memory(device),
        seconds=passes * large.seconds * pixels / large.pixels,
    )


def tightest(forecasts: Sequence[Forecast | None]) -> Forecast | None:
    """Return the forecast of the process with the least room, and the time of the slowest.

    All processes of a run then decide alike: a run ends if it does not fit on one of its machines.
    """

    def room(one: Forecast) -> float:
        return math.inf if one.free is None else float(one.free - one.memory)

    known = [one for one in forecasts if one]
    if not known:
        return None
    return replace(min(known, key=room), seconds=max(one.seconds for one in known))


def check_forecast(
    foreseen: Forecast,
    *,
    work: str,
    steps: int,
    hint: Callable[[], str],
    force: bool,
) -> list[str]:
    """Return warnings about a run that hardly fits, or takes very long.

    Args:
        work: What a step is: "a step of 10 photos of 512x512 pixels".
        steps: Still to be made.
        hint: Gives the settings that need less memory.

    Raises:
        DeviceError: If a step needs more memory than there is.
    """
    warned = []
    seconds = steps * foreseen.seconds
    if seconds > LONG:
        warned.append(
            f"the run takes about {seconds / 86400:.0f} days here, {steps} steps of about "
            f"{foreseen.seconds:.3g} s; fewer --epochs, a smaller --crop, "
            "--set train.loss.stride=4 or another --backbone take less"
        )
    if foreseen.free is None or foreseen.memory <= MUCH * foreseen.free:
        return warned
    text = (
        f"{work} takes about {foreseen.memory / 2**30:.1f} GiB of memory, and "
        f"{foreseen.free / 2**30:.1f} GiB are free"
    )
    if foreseen.memory > foreseen.free and not force:
        raise DeviceError(text, hint=f"{hint()} --force starts the run anyway.")
    return [*warned, f"{text}; {hint()}"]


def _try_pass(
    module: LossModule, label_sets: Sequence[LabelSet], side: int, device: torch.device
) -> _Pass:
    batch = _random_batch(label_sets, side).to(device)
    begun = time.monotonic()
    with _peak(device) as peak:
        targets = module.targets_of(batch)
        losses = module(batch, targets, module.count(targets)).values()
        total = torch.stack([loss.total for loss in losses]).sum()
        wanted = [one for one in module.parameters() if one.requires_grad]
        gradients = torch.autograd.grad(total, wanted, allow_unused=True)
        del losses, total, gradients
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return _Pass(PHOTOS * side * side, peak(), time.monotonic() - begun)


def _random_batch(label_sets: Sequence[LabelSet], side: int) -> Batch:
    random = torch.Generator().manual_seed(0)

    def draw(most: int, *shape: int) -> Tensor:
        return torch.randint(most, shape, generator=random, dtype=torch.uint8)

    return Batch(
        draw(255, PHOTOS, side, side, 3).permute(0, 3, 1, 2),
        {one.name: draw(one.num_parts, PHOTOS, side, side) for one in label_sets},
        {one.name: torch.arange(PHOTOS) for one in label_sets},
        ("",) * PHOTOS,
    )


@contextmanager
def _left_as_it_is(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Put statistics, mode and random numbers back after the block."""
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    is_training = module.training
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        module.train()
        try:
            yield
        finally:
            module.train(is_training)
            with torch.no_grad():
                for buffer, kept in buffers:
                    buffer.copy_(kept)


@contextmanager
def _peak(device: torch.device) -> Iterator[Callable[[], int]]:
    """Give a function that returns the most bytes that new tensors of the block took together."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield lambda: torch.cuda.max_memory_allocated(device) - before
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with _LiveTensors() as live:
            yield lambda: live.most


class _LiveTensors(TorchDispatchMode):
    """Counts the bytes of the tensors that operations made and that are still alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._now = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what the operation returns
        """Run an operation and count what it made."""
        result = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._count, result)
        return result

    def _count(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage not in self._known:
            self._known.add(storage)
            size = storage.nbytes()
            self._now += size
            self.most = max(self.most, self._now)
            weakref.finalize(storage, self._forget, size)
        return tensor

    def _forget(self, size: int) -> None:
        self._now -= size
