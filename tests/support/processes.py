"""What a process of a small world does; in a module of its own, so that it can be started."""

from multiprocessing.queues import Queue

import torch
from torch import distributed

from grapy_cli.runtime.world import World


def exchange(rank: int, size: int, store: str, heard: Queue) -> None:
    """Join a world through a file, and tell what came back."""
    distributed.init_process_group("gloo", f"file://{store}", rank=rank, world_size=size)
    world = World(rank, size)
    rows = world.gather(["b", "c"] if rank else ["a"])
    total = int(world.sum(torch.tensor(rank + 1)))
    heard.put((rows, total, world.any(rank == 1)))
    world.barrier()
    distributed.destroy_process_group()
