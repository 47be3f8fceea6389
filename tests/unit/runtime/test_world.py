import multiprocessing

import pytest
import torch

from grapy_cli.runtime.world import World
from tests.support.processes import exchange


def test_alone_everything_is_one_s_own():
    world = World()
    assert world.is_main
    assert world.gather(["a"]) == ["a"]
    assert world.sum(torch.tensor(3)) == 3
    assert world.any(True)
    world.barrier()


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_two_processes_hear_of_each_other(tmp_path):
    context = multiprocessing.get_context("spawn")
    heard = context.Queue()
    processes = [
        context.Process(target=exchange, args=(rank, 2, str(tmp_path / "store"), heard))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    answers = [heard.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(30)
    # Rank 0 says a; rank 1 says b and c.
    assert answers == [(["a", "b", "c"], 3, True)] * 2
