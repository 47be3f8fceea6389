from threading import Thread

import pytest

from grapy_cli.runtime.profiler import Profiler, span


class Clock:
    """Stands still but for what it is told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watch(clock):
    return Profiler(clock=clock)


def test_a_stage_within_another_is_its_own_alone(clock, watch):
    @span("inner")
    def inner():
        clock.work(5)

    @span("outer")
    def outer():
        clock.work(1)
        inner()
        clock.work(2)
        inner()
        clock.work(4)

    with watch.running():
        clock.work(50)  # of no stage
        outer()
        inner()
    assert watch.seconds == {"outer": 7, "inner": 15}


def test_a_stage_that_fails_is_counted_until_then(clock, watch):
    @span("failing")
    def fail():
        clock.work(3)
        raise ValueError("spilt")

    with watch.running():
        with pytest.raises(ValueError, match="spilt"):
            fail()
        clock.work(9)
    assert watch.seconds == {"failing": 3}


def test_nothing_is_counted_outside_or_in_other_threads(clock, watch):
    @span("work")
    def work(answer):
        clock.work(1)
        return answer

    with watch.running():
        thread = Thread(target=work, args=(0,))
        thread.start()
        thread.join()
    assert work(answer=7) == 7
    assert watch.seconds == {}


def test_the_device_is_waited_for_before_the_clock_is_read(clock):
    watch = Profiler(wait=lambda: clock.work(2), clock=clock)
    with watch.running(), watch.on("card"):
        clock.work(1)
    assert watch.seconds == {"card": 3}
