from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from grapy_cli.inference.cuda_graphs import GraphReplay
from tests.support.graph_capture import Capture


def double(given):
    return given * 2


def see(replayed, *sizes):
    for size in sizes:
        given = torch.rand(size)
        assert torch.equal(replayed(given), given * 2)


def test_a_shape_is_captured_when_it_comes_again_and_replayed_from_then_on():
    capture = Capture()
    replayed = GraphReplay(double, capture)
    see(replayed, 3)
    assert capture.captured == []
    see(replayed, 3, 4, 3, 3)
    assert capture.captured == [(3,)]
    assert capture.replays == 3
    assert replayed.num_graphs == 1
    replayed(torch.ones(3, dtype=torch.float64))  # another type is another shape
    assert replayed.num_graphs == 1


def test_a_new_graph_replaces_the_least_recently_used_one():
    capture = Capture()
    replayed = GraphReplay(double, capture, most=2)
    see(replayed, 1, 1, 2, 2, 1, 3, 3)
    assert replayed.num_graphs == 2
    see(replayed, 1, 3)
    assert capture.captured == [(1,), (2,), (3,)]
    see(replayed, 2, 2)
    assert capture.captured == [(1,), (2,), (3,), (2,)]
    assert replayed.num_graphs == 2


def test_only_a_few_shapes_that_never_came_again_are_remembered():
    capture = Capture()
    replayed = GraphReplay(double, capture, most=3)
    see(replayed, *range(1, 20), 1, 19, 18)
    assert capture.captured == [(19,), (18,)]


def test_work_that_cannot_be_captured_runs_step_by_step_and_is_tried_once():
    capture = Capture(RuntimeError("operation not permitted when stream is capturing"))
    replayed = GraphReplay(double, capture)
    see(replayed, 2, 2, 2, 2, 3, 3, 3)
    assert capture.captured == [(2,)]
    assert replayed.num_graphs == 0


def test_only_a_shape_too_large_for_the_memory_runs_step_by_step():
    capture = Capture(torch.OutOfMemoryError("CUDA out of memory"), largest=2)
    replayed = GraphReplay(double, capture)
    see(replayed, 3, 3, 3, 2, 2)
    assert capture.captured == [(3,), (2,)]
    assert replayed.num_graphs == 1


def test_errors_of_the_work_come_through():
    def broken(given):
        raise ValueError("an error")

    replayed = GraphReplay(broken, Capture())
    for _ in range(2):
        with pytest.raises(ValueError, match="an error"):
            replayed(torch.ones(1))


def test_forgotten_graphs_are_captured_again():
    capture = Capture()
    replayed = GraphReplay(double, capture)
    see(replayed, 3, 3)
    replayed.forget()
    assert replayed.num_graphs == 0
    see(replayed, 3, 3)
    assert capture.captured == [(3,), (3,)]


def test_threads_do_not_disturb_each_other():
    """Graphs keep one place for input and output, and share their memory."""
    replayed = GraphReplay(double, Capture(pause=0.001))
    given = [torch.full((2 + place % 2,), float(place)) for place in range(60)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(replayed, given))
    for one, result in zip(given, results, strict=True):
        assert torch.equal(result, one * 2)
