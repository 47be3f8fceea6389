import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from grapy_cli.errors import PhotoError
from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference import stream
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.stream import (
    ONE_BY_ONE,
    SIDE_BY_SIDE,
    OtherWork,
    ParseRequest,
    PhotoStream,
    Room,
    in_order,
    threads_for,
)
from grapy_cli.inference.tta import TTA
from tests.support.networks import tiny_network


def test_results_come_in_the_order_of_the_items():
    def work(item):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(in_order(range(40), work, threads=4, ahead=6)) == [n * n for n in range(40)]


def test_no_more_than_a_few_are_begun():
    taken = []

    def items():
        for item in itertools.count():
            taken.append(item)
            yield item

    results = in_order(items(), str, threads=2, ahead=3)
    assert list(itertools.islice(results, 5)) == ["0", "1", "2", "3", "4"]
    assert len(taken) == 8
    results.close()


def test_work_is_done_beside_whoever_takes_the_results():
    both = threading.Barrier(2, timeout=10)
    results = in_order(range(4), lambda item: both.wait() >= 0, threads=2, ahead=3)
    assert list(results) == [True] * 4


def test_what_work_raises_is_raised_in_its_place():
    results = in_order([1, 0, 2], lambda item: 1 / item, threads=2, ahead=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_what_the_items_raise_comes_after_all_before_it():
    def items():
        yield from (1, 2, 3)
        raise ValueError("no more")

    results = in_order(items(), str, threads=1, ahead=9)
    assert [next(results) for _ in range(3)] == ["1", "2", "3"]
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_when_nobody_takes_more_the_rest_is_left():
    done = []

    def work(item):
        done.append(item)
        time.sleep(0.05)

    results = in_order(range(100), work, threads=1, ahead=10)
    next(results)
    results.close()
    assert len(done) < 11


def enter_beside(room, turn, pixels):
    """Try to enter in another thread, and return what says whether it is in."""
    inside = threading.Event()

    def enter():
        room.enter(turn, pixels)
        inside.set()

    threading.Thread(target=enter, daemon=True).start()
    return inside


def test_photos_enter_in_turn_and_while_there_is_room():
    room = Room(10)
    room.enter(0, 6)
    second, third = enter_beside(room, 1, 6), enter_beside(room, 2, 1)
    assert not second.wait(0.05)
    assert not third.is_set()  # there is room, but it is not its turn
    room.leave(6)
    assert second.wait(10)
    assert third.wait(10)


def test_a_photo_that_is_too_large_goes_in_alone():
    room = Room(10)
    room.enter(0, 1)
    huge = enter_beside(room, 1, 1000)
    assert not huge.wait(0.05)
    room.leave(1)
    assert huge.wait(10)


def test_who_holds_room_leaves_it_after_an_error_too():
    room = Room(10)
    for _ in range(3):
        with pytest.raises(KeyError), room.held(8):
            raise KeyError
    with room.held(8):
        later = enter_beside(room, 4, 8)
        assert not later.wait(0.05)
    assert later.wait(10)


def test_a_closed_room_keeps_nobody_waiting():
    room = Room(10)
    waiting = enter_beside(room, 7, 5)
    assert not waiting.wait(0.05)
    room.close()
    assert waiting.wait(10)


@dataclass
class FakeParser:
    """Parses nothing; it notes what is in the network together, and how much is under way."""

    seconds: float = 0.0
    batches: list = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    is_on_gpu: bool = False
    cpu_workers: int = 1
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, photo):
        if not photo.any():
            raise PhotoError("it is black")
        with self.lock:
            self.under_way += photo[..., 0].size
            self.most_under_way = max(self.most_under_way, self.under_way)
        return ReadPhoto(photo, photo.shape[:2])

    def size_of(self, reading):
        return reading.pixels.shape[:2]

    def parse_together(self, readings, datasets):
        time.sleep(self.seconds)
        self.batches.append(len(readings))
        return [{} for _ in readings]

    def finish(self, number):
        """Make a request's `finish`, which gives the number, or the error."""

        def finish(found):
            if isinstance(found, PhotoError):
                return found.message
            with self.lock:
                self.under_way -= found.reading.pixels[..., 0].size
            return number

        return finish


def photo(width=2, value=1):
    return np.full((3, width, 3), value, np.uint8)


def stream_of(parser, photos, threads=ONE_BY_ONE, batch=1, datasets=lambda number: ["atr"]):
    def request(number):
        return ParseRequest(parser, photos[number], datasets(number), parser.finish(number))

    return PhotoStream(request, threads, batch).run(range(len(photos)))


BOTH = pytest.mark.parametrize("threads", [ONE_BY_ONE, SIDE_BY_SIDE])


@BOTH
def test_results_are_in_order_and_errors_are_values(threads):
    photos = [photo(), photo(value=0), photo(), photo()]
    results = stream_of(FakeParser(), photos, threads)
    assert list(results) == [0, "it is black", 2, 3]


@BOTH
def test_other_work_has_its_place_among_the_photos(threads):
    parser = FakeParser(seconds=0.002)

    def request(number):
        if number % 3 == 1:
            return OtherWork(lambda: -number)
        return ParseRequest(parser, photo(), ["atr"], parser.finish(number))

    assert list(PhotoStream(request, threads, 2).run(range(8))) == [0, -1, 2, 3, -4, 5, 6, -7]


@BOTH
@pytest.mark.parametrize("batch", [1, 3])
def test_the_pixels_under_way_are_bounded(threads, batch, monkeypatch):
    monkeypatch.setattr(stream, "PIXELS_UNDER_WAY", 30)
    parser = FakeParser(seconds=0.002)
    photos = [photo(width) for width in (4, 4, 4, 2, 20, 1, 4, 4, 4, 4)]
    assert list(stream_of(parser, photos, threads, batch)) == list(range(10))
    # A photo that waits for others of its size has lent its room to them.
    assert parser.most_under_way <= 60 + (batch > 1) * 60


def test_neighbors_of_one_size_and_the_same_label_sets_are_parsed_together():
    parser = FakeParser()
    photos = [photo(width) for width in (2, 2, 2, 2, 5, 5, 5, 5)]
    names = [["atr"]] * 6 + [["atr", "pascal"]] * 2
    assert list(stream_of(parser, photos, batch=3, datasets=names.__getitem__)) == list(range(8))
    assert parser.batches == [3, 1, 2, 2]


@pytest.mark.parametrize(
    ("is_on_gpu", "spare_memory", "cpu_workers", "parsing"),
    [
        (True, False, 1, SIDE_BY_SIDE.parsing),
        (True, True, 1, 1),
        (False, False, 1, 1),
        (False, False, 3, 3),
        (False, True, 3, 3),
    ],
)
def test_threads_follow_the_device(is_on_gpu, spare_memory, cpu_workers, parsing):
    parser = FakeParser(is_on_gpu=is_on_gpu, cpu_workers=cpu_workers)
    assert threads_for(parser, spare_memory=spare_memory).parsing == parsing


def test_side_by_side_on_a_cpu_torch_has_one_thread_for_each_photo_and_its_own_afterwards():
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(3)
    try:
        parser = FakeParser(cpu_workers=3)
        parser.parse_together = lambda readings, datasets: (
            seen.append(torch.get_num_threads()) or [{}]
        )
        results = stream_of(parser, [photo()] * 6, threads_for(parser))
        next(results)
        assert torch.get_num_threads() == 3
        list(results)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)
    assert seen == [1] * 6


def test_masks_of_a_folder_do_not_depend_on_the_number_of_threads():
    """To the last bit of the logits."""
    parser = HumanParser(tiny_network(["atr"]), None, torch.device("cpu"), TTA["flip"], 96)
    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (60 + 9 * n, 80, 3), np.uint8) for n in range(5)]
    before, found = torch.get_num_threads(), {}
    for count in (1, 2, 4):
        torch.set_num_threads(count)
        try:
            results = parser.parse_many(photos, ["atr"])
            found[count] = [one.parsings["atr"] for one in results]
        finally:
            torch.set_num_threads(before)
    for count in (2, 4):
        for one, other in zip(found[1], found[count], strict=True):
            assert torch.equal(one.logits, other.logits)
            np.testing.assert_array_equal(one.label_map, other.label_map)


def test_photos_side_by_side_are_in_the_network_at_the_same_time():
    both = threading.Barrier(2, timeout=10)
    parser = FakeParser()
    parser.parse_together = lambda readings, datasets: both.wait() >= 0 and [{}]
    assert list(stream_of(parser, [photo()] * 4, SIDE_BY_SIDE)) == [0, 1, 2, 3]


@BOTH
def test_a_stop_finishes_what_is_parsed_and_parses_no_more(threads):
    parser = FakeParser(seconds=0.002)
    taken = []

    def request(number):
        return ParseRequest(parser, photo(), ["atr"], parser.finish(number))

    for number in PhotoStream(request, threads).run(range(100), lambda: len(taken) > 4):
        taken.append(number)
    assert taken == list(range(len(parser.batches)))
    assert 5 <= len(taken) < 20


@BOTH
def test_what_a_request_or_its_end_raises_is_raised_in_its_place(threads):
    parser = FakeParser()

    def fail(found):
        raise OSError("the disk is full")

    def request(number):
        if number == 4:
            raise KeyError(number)
        return ParseRequest(parser, photo(), ["atr"], fail if number == 2 else lambda found: number)

    results = PhotoStream(request, threads).run(range(9))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(OSError, match="full"):
        next(results)
    results = PhotoStream(request, threads).run([0, 4])
    with pytest.raises(KeyError):
        list(results)


@BOTH
def test_a_stream_that_is_closed_leaves_no_thread(threads):
    before = threading.active_count()
    results = stream_of(FakeParser(seconds=0.002), [photo()] * 50, threads)
    next(results)
    results.close()
    assert threading.active_count() == before
