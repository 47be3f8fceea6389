from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from grapy_cli.inference.cuda_graphs import GraphReplay
from tests.support.recordings import Capture


def double(given):
    return given * 2


def see(replayed, *sizes):
    for size in sizes:
        given = torch.rand(size)
        assert torch.equal(replayed(given), given * 2)


def test_a_shape_is_recorded_when_it_comes_again_and_repeated_from_then_on():
    recorder = Capture()
    replayed = GraphReplay(double, recorder)
    see(replayed, 3)
    assert recorder.made == []
    see(replayed, 3, 4, 3, 3)
    assert recorder.made == [(3,)]
    assert recorder.repeated == 3
    assert replayed.recordings == 1
    replayed(torch.ones(3, dtype=torch.float64))  # another type is another shape
    assert replayed.recordings == 1


def test_the_one_not_used_for_the_longest_time_makes_room():
    recorder = Capture()
    replayed = GraphReplay(double, recorder, most=2)
    see(replayed, 1, 1, 2, 2, 1, 3, 3)
    assert replayed.recordings == 2
    see(replayed, 1, 3)
    assert recorder.made == [(1,), (2,), (3,)]
    see(replayed, 2, 2)
    assert recorder.made == [(1,), (2,), (3,), (2,)]
    assert replayed.recordings == 2


def test_of_shapes_that_never_come_again_only_a_few_are_remembered():
    recorder = Capture()
    replayed = GraphReplay(double, recorder, most=3)
    see(replayed, *range(1, 20), 1, 19, 18)
    assert recorder.made == [(19,), (18,)]


def test_what_cannot_be_recorded_is_done_step_by_step_and_not_tried_each_time():
    recorder = Capture(RuntimeError("operation not permitted when stream is capturing"))
    replayed = GraphReplay(double, recorder)
    see(replayed, 2, 2, 2, 2, 3, 3, 3)
    assert recorder.made == [(2,)]
    assert replayed.recordings == 0


def test_where_memory_is_short_that_shape_alone_is_done_step_by_step():
    recorder = Capture(torch.OutOfMemoryError("CUDA out of memory"), largest=2)
    replayed = GraphReplay(double, recorder)
    see(replayed, 3, 3, 3, 2, 2)
    assert recorder.made == [(3,), (2,)]
    assert replayed.recordings == 1


def test_mistakes_of_the_work_come_through():
    def broken(given):
        raise ValueError("a mistake")

    replayed = GraphReplay(broken, Capture())
    for _ in range(2):
        with pytest.raises(ValueError, match="a mistake"):
            replayed(torch.ones(1))


def test_forgotten_recordings_are_made_anew():
    recorder = Capture()
    replayed = GraphReplay(double, recorder)
    see(replayed, 3, 3)
    replayed.forget()
    assert replayed.recordings == 0
    see(replayed, 3, 3)
    assert recorder.made == [(3,), (3,)]


def test_threads_do_not_come_in_each_other_s_way():
    """Recordings have one place for what goes in and out, and share their memory."""
    replayed = GraphReplay(double, Capture(pause=0.001))
    given = [torch.full((2 + place % 2,), float(place)) for place in range(60)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(replayed, given))
    for one, result in zip(given, results, strict=True):
        assert torch.equal(result, one * 2)
