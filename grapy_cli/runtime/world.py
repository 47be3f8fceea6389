"""The processes of one run; usually there is one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed

from grapy_cli.errors import GrapyError


@dataclass(frozen=True)
class World:
    """How many processes work together, and which one this is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    """Processes on this machine."""

    @property
    def is_main(self) -> bool:
        """Whether this process reports and writes for all."""
        return self.rank == 0

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the sum of a tensor over all processes, to each of them."""
        if self.size > 1:
            tensor = tensor.clone()
            distributed.all_reduce(tensor)
        return tensor

    def gather(self, rows: list[Any]) -> list[Any]:
        """Return the rows of all processes in the order of their ranks, to each of them."""
        if self.size == 1:
            return rows
        gathered: list[list[Any]] = [[] for _ in range(self.size)]
        distributed.all_gather_object(gathered, rows)
        return [row for rows in gathered for row in rows]

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any process, so that all stop at the same step."""
        return bool(self.sum(torch.tensor(int(flag))).item()) if self.size > 1 else flag

    def barrier(self) -> None:
        """Wait until every process has reached this point."""
        if self.size > 1:
            distributed.barrier()


def world_of_environment() -> World:
    """Read the rank of this process from the environment, without connecting to the others.

    This is enough where processes share work and never wait for each other.
    """
    return World(
        rank=int(os.environ.get("RANK", "0")),
        size=int(os.environ.get("WORLD_SIZE", "1")),
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        local_size=int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
    )


@contextmanager
def open_world(device_type: str) -> Iterator[World]:
    """Connect to the processes that torch's launcher started, if it did.

    Args:
        device_type: "cuda" uses NCCL, and gloo for tensors on the CPU; others use gloo alone.

    Raises:
        GrapyError: If another process ended without a message, as a killed one.
    """
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World()
        return
    backend = "cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo"
    distributed.init_process_group(backend)
    try:
        yield world_of_environment()
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        raise GrapyError(
            "another process of this run has ended, so this one ends as well",
            hint="See its message, then go on from the last checkpoint with --resume.",
        ) from error
    finally:
        distributed.destroy_process_group()


def _is_lost(error: RuntimeError) -> bool:
    """Tell whether the connection to another process failed; gloo has no class of error for it."""
    return isinstance(error, distributed.DistError) or "/gloo/" in str(error)
