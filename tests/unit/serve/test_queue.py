import asyncio
from functools import partial
from threading import Barrier, Event, Timer

import pytest

from grapy_cli.serve.queue import QueueFullError, RequestQueue


def test_work_is_done_in_the_order_it_came():
    done = []

    async def ask_all():
        queue = RequestQueue(waiting=9)
        return await asyncio.gather(
            *(queue.ask(lambda n=n: done.append(n) or n, timeout=60.0) for n in range(10))
        )

    assert asyncio.run(ask_all()) == list(range(10))
    assert done == list(range(10))


def test_as_many_tasks_run_at_the_same_time_as_there_are_threads():
    prepared, together = [], Barrier(3)

    async def ask_all():
        queue = RequestQueue(waiting=6, threads=3, prepare=lambda: prepared.append(1))
        tasks = (queue.ask(lambda: together.wait(60), 60.0) for _ in range(9))
        return await asyncio.gather(*tasks)

    assert sorted(asyncio.run(ask_all())) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len(prepared) == 3


def test_closing_finishes_what_runs_and_drops_what_waits():
    done, begun, finish = [], Barrier(3), Event()

    async def stop():
        queue = RequestQueue(waiting=1, threads=2)

        def work(number):
            begun.wait(60)
            finish.wait(60)
            done.append(number)

        asked = [asyncio.ensure_future(queue.ask(partial(work, n), 60.0)) for n in range(3)]
        await asyncio.sleep(0)
        begun.wait(60)
        Timer(0.05, finish.set).start()
        queue.close()
        return await asyncio.gather(*asked, return_exceptions=True)

    *ran, waited = asyncio.run(stop())
    assert ran == [None, None]
    assert isinstance(waited, asyncio.CancelledError)
    assert sorted(done) == [0, 1]


def test_a_full_queue_sends_away_and_lets_in_again():
    async def fill():
        queue, finish = RequestQueue(waiting=1), Event()
        begun = [asyncio.ensure_future(queue.ask(finish.wait, 60.0)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError) as caught:
            await queue.ask(finish.wait, 60.0)
        assert caught.value.seconds >= 1
        finish.set()
        assert await asyncio.gather(*begun) == [True, True]
        assert await queue.ask(lambda: 5, 60.0) == 5
        assert queue.done == 3

    asyncio.run(fill())


def test_what_takes_too_long_keeps_its_place_until_it_ends():
    async def wait():
        queue, finish = RequestQueue(waiting=0), Event()
        with pytest.raises(TimeoutError):
            await queue.ask(finish.wait, 0.01)
        with pytest.raises(QueueFullError):
            await queue.ask(finish.wait, 60.0)
        finish.set()
        queue.close()

    asyncio.run(wait())


def test_an_error_reaches_who_asked_and_frees_the_place():
    async def fail():
        queue = RequestQueue(waiting=0)
        with pytest.raises(ZeroDivisionError):
            await queue.ask(lambda: 1 // 0, 60.0)
        while True:  # the place is freed by the other thread, a moment later
            try:
                return await queue.ask(lambda: 5, 60.0)
            except QueueFullError:
                await asyncio.sleep(0.001)

    assert asyncio.run(fail()) == 5
