import itertools
import threading
import time

import pytest

from grapy_cli.inference.stream import Room, in_order


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


def test_a_closed_room_keeps_nobody_waiting():
    room = Room(10)
    waiting = enter_beside(room, 7, 5)
    assert not waiting.wait(0.05)
    room.close()
    assert waiting.wait(10)
