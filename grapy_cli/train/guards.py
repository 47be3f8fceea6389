"""Errors that stop a run before it spoils its weights."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from grapy_cli.errors import DeviceError, DivergedError, GrapyError
from grapy_cli.runtime.device import is_out_of_memory, peak_memory


class NotFinite(DivergedError):  # noqa: N818 - the error is its base
    """The losses of a step, or the parameters after it, are not finite.

    Args:
        losses: Of the step, by data set and kind; none for parameters.
    """

    def __init__(self, message: str, losses: Mapping[str, float] | None = None) -> None:
        super().__init__(
            message,
            hint="Go on from the last checkpoint with a smaller --lr, or "
            "--set train.optimizer.clip=1.",
        )
        self.losses = {
            name: value if math.isfinite(value) else str(value)
            for name, value in (losses or {}).items()
        }
        """As JSON values, which cannot be infinite."""


def lighter(
    photos: int, *, accumulate: int, precision: str, crop: tuple[int, int], on_gpu: bool
) -> str:
    """Return the settings that need less memory, the mildest first.

    Args:
        photos: That go through the network at once, on one device.
        crop: Height and width, pixels.
        on_gpu: Whether it is a GPU's memory, where half as many bytes help at once.
    """
    ways = []
    # Batch norm needs 2 photos in a pass, and equal passes.
    if divisors := [n for n in range(2, photos // 2 + 1) if photos % n == 0]:
        ways.append(
            f"--set train.accumulate={accumulate * divisors[0]} keeps the batch and takes about "
            f"1/{divisors[0]} of the memory"
        )
    if precision == "fp32" and on_gpu:
        ways.append("--set train.precision=bf16 takes about half")
    # Both sides by 0.7: half the pixels. Multiples of 32 suit every output stride.
    smaller = ",".join(str(max(33, round(side * 0.7 / 32) * 32 + side % 2)) for side in crop)
    ways.append(f"--crop {smaller} takes about half")
    return "; ".join(ways)


@contextmanager
def enough_memory(device: torch.device, work: str, hint: Callable[[], str]) -> Iterator[None]:
    """Turn a lack of memory into an error that says which settings to change.

    Args:
        work: What does not fit, in words.
        hint: Gives the hint of the error.

    Raises:
        DeviceError: If the device ran out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, GrapyError) or not is_out_of_memory(error):
            raise
        peak = peak_memory(device)
        taken = f" (its peak was {peak / 2**30:.1f} GiB)" if peak else ""
        raise DeviceError(
            f"{device} does not have enough memory for {work}{taken}", hint=hint()
        ) from error
