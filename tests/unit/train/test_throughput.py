from grapy_cli.train.throughput import Throughput


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def slow(batches, clock, seconds):
    for batch in batches:
        clock.now += seconds
        yield batch


def test_rate_and_share_of_waiting():
    clock = Clock()
    throughput = Throughput(clock=clock)
    for _ in throughput.waiting_for(slow("abc", clock, 1.0)):
        clock.now += 3.0
        reading = throughput.read(photos=8)
    assert reading == (2.0, 0.25, 4.0)


def test_what_comes_between_steps_is_time_but_not_waiting():
    clock = Clock()
    throughput = Throughput(clock=clock)
    for _ in throughput.waiting_for(slow("ab", clock, 0.0)):
        reading = throughput.read(photos=1)
        clock.now += 2.0  # a checkpoint is written
    assert (round(reading.seconds, 6), reading.waited) == (1.0, 0.0)


def test_a_pause_between_epochs_does_not_count():
    clock = Clock()
    throughput = Throughput(clock=clock)
    for _ in range(2):
        for _ in throughput.waiting_for("a"):
            clock.now += 1.0
            reading = throughput.read(photos=1)
        clock.now += 100.0  # the scoring
    assert reading.seconds == 1.0


def test_only_the_last_steps_count():
    clock = Clock()
    throughput = Throughput(steps=1, clock=clock)
    for seconds in throughput.waiting_for([9.0, 1.0]):
        clock.now += seconds
        reading = throughput.read(photos=4)
    assert reading.photos_per_second == 4.0
