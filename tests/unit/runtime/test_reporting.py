from grapy_cli.runtime.reporting import paced


def test_progress_counts_what_an_earlier_run_finished():
    events = []
    assert list(paced("abc", "drawing", 5, events.append, before=2)) == ["a", "b", "c"]
    assert [(event.done, event.total) for event in events] == [(3, 5), (4, 5), (5, 5)]
    assert events[-1].seconds_left == 0


def test_long_work_reports_about_200_times_and_at_its_end():
    events = []
    assert len(list(paced(range(1001), "drawing", 1001, events.append))) == 1001
    assert len(events) == 201
    assert events[-1].done == 1001


def test_progress_is_reported_once_the_photo_is_done():
    events = []
    photos = paced("ab", "drawing", 2, events.append)
    next(photos)
    assert not events
