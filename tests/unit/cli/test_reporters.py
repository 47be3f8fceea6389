import io

import pytest
from rich.console import Console

from grapy_cli.cli.format_events import line_of, progress_of
from grapy_cli.cli.reporters import LineReporter, RichReporter, open_reporter
from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.runtime.reporting import Event, Progressed, Told, Warned
from grapy_cli.train.events import (
    CheckpointSaved,
    Diverged,
    EpochScored,
    PhotosLabeled,
    RunStarted,
)
from tests.support.training import step_done

EVENTS = {
    Progressed("parsing photos", 3, 10): "parsing photos 3/10",
    Progressed("parsing photos", 3, 10, "2 photos/s"): "parsing photos 3/10, 2 photos/s",
    Told("the [CPU] is used"): "the [CPU] is used",
    Warned("no val list"): "warning: no val list",
    PhotoParsed("a.jpg", ("a.png",), 0.5): "a.jpg -> a.png (0.50 s)",
    PhotoParsed("a.jpg", ("m/a.png", "o/a.png"), 0.5): "a.jpg -> m/a.png +1 more (0.50 s)",
    PhotoRejected("a.jpg", "is empty"): "failed: a.jpg: is empty",
    SampleRejected("0001", "val", "has no labels"): "rejected: val/0001: has no labels",
    CheckpointSaved("runs/x/last", 7): "saved runs/x/last at step 7",
}
EVENT_LINES = [
    *EVENTS.items(),
    (
        DatasetPrepared("atr", "data/atr", {"train": 9, "val": 1}, 2),
        "atr is prepared in data/atr: 9 train, 1 val; 2 rejected, see problems.csv",
    ),
    (DatasetPrepared("atr", "d", {"train": 9}, 0), "atr is prepared in d: 9 train"),
    (
        PhotosLabeled(5, 1, "the teacher", {"atr": {"background": 0.5, "hat": 0.0, "hair": 0.25}}),
        "the teacher labeled 5 photos; 1 could not be read: atr 75.0% of the pixels "
        "(background 50.0%, hair 25.0%)",
    ),
    (
        RunStarted("runs/x", "joint", {"atr": 8, "cihp": 9}, 2_500_000, 40, 0),
        "joint starts, 40 steps on 8 atr, 9 cihp photos, 2.5 M parameters, in runs/x",
    ),
    (
        RunStarted("runs/x", "joint", {"atr": 8}, 2_500_000, 40, 12),
        "joint resumes at step 12, 40 steps on 8 atr photos, 2.5 M parameters, in runs/x",
    ),
    (
        step_done(step=3, losses={"atr/main": 1.5, "atr/refined": 0.25, "cihp/main": 2.0}),
        "training 3/10, epoch 1, atr 1.500/0.250, cihp 2.000, lr 0.0007, 9.9 photos/s, 60 s left",
    ),
    (
        step_done(waited=0.456, memory=3 * 2**30, seconds_left=9000.0),
        "training 1/10, epoch 1, atr 1.000, lr 0.0007, 9.9 photos/s, 46% waiting for data, "
        "3.0 GiB, 2.5 h left",
    ),
    (
        Diverged(3, 0, "the loss is nan", 0.1, ("atr",), [["a", "b"], ["c"]], {}),
        "the loss of step 3 is not finite: see diverged.json, with its 3 photos",
    ),
    (
        EpochScored(2, 20, {"atr": 0.5, "cihp": 0.123}, best=True),
        "epoch 3: mean IoU atr 50.00, cihp 12.30 (best so far)",
    ),
]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("event", "line"), EVENT_LINES)
def test_lines(event, line):
    assert line_of(event) == line


@pytest.mark.parametrize("kind", Event.__subclasses__())
def test_every_event_of_grapy_has_words(kind):
    if kind.__module__.startswith("grapy_cli"):
        assert kind in {type(event) for event, _ in EVENT_LINES}


def test_steps_are_progress_and_news_is_not():
    assert progress_of(step_done()).work == "training"
    assert progress_of(Told("so")) is None


def heard(events, pause=1.0):
    """The lines a pipe gets when an event arrives every `pause` seconds."""
    clock, stream = Clock(), io.StringIO()
    reporter = LineReporter(Console(file=stream, width=10_000), clock)
    for event in events:
        clock.now += pause
        reporter(event)
    return stream.getvalue().splitlines()


def steps(total):
    return [Progressed("converting train", done, total) for done in range(1, total + 1)]


def test_quick_work_is_one_line():
    assert heard(steps(500), pause=0.001) == ["converting train 500/500"]


def test_work_of_minutes_is_told_by_tenths():
    lines = heard(steps(100))
    assert lines[:2] == ["converting train 11/100", "converting train 21/100"]
    assert lines[-1] == "converting train 100/100"
    assert len(lines) == 10


def test_work_of_days_is_told_every_few_minutes():
    lines = heard(steps(1000), pause=100)
    assert lines[:2] == ["converting train 4/1000", "converting train 7/1000"]


def test_news_is_told_at_once_and_never_broken():
    path = "folder/" * 50
    assert heard([PhotoRejected(path, "is [red]empty[/red]")]) == [
        f"failed: {path}: is [red]empty[/red]"
    ]


def test_a_step_of_one_data_set_leaves_the_losses_of_the_others_in_sight():
    atr, cihp = {"atr/main": 1.0, "atr/refined": 0.5}, {"cihp/main": 2.0}
    lines = heard([step_done(losses=atr), step_done(step=10, losses=cihp)])
    assert "atr 1.000/0.500, cihp 2.000" in lines[-1]


def test_two_works_do_not_hide_each_other():
    first, second = Progressed("a", 1, 1), Progressed("b", 1, 1)
    assert heard([first, second]) == ["a 1/1", "b 1/1"]


def test_a_pipe_gets_lines(capsys):
    with open_reporter() as reporter:
        reporter(Told("hello"))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)


def test_a_terminal_gets_a_bar_that_goes_away(terminal):
    reporter = RichReporter(terminal)
    reporter(Progressed("parsing photos", 1, 2, "[x]"))
    reporter(Warned("so"))
    assert "parsing photos" in terminal.file.getvalue()
    assert "1/2" in terminal.file.getvalue()
    reporter(Progressed("parsing photos", 2, 2))
    reporter.close()
    written = terminal.file.getvalue()
    assert "warning: so\n" in written
    assert written.endswith("parsing photos 2/2\n")
    assert "\x1b[?25h" in written  # the cursor is back


def test_a_long_note_stands_below_the_bar_and_leaves_it_room(terminal):
    reporter = RichReporter(terminal)
    losses = {f"{name}/{kind}": 1.0 for name in ("atr", "cihp") for kind in ("main", "refined")}
    reporter(step_done(step=5, losses=losses))
    reporter.close()
    bar, note = terminal.file.getvalue().splitlines()[:2]
    assert "5/10" in bar
    assert bar.count("━") > 15
    assert "atr 1.000/1.000, cihp 1.000/1.000" in note


def test_a_bar_can_come_back_for_other_work(terminal):
    reporter = RichReporter(terminal)
    for event in [*steps(3), Progressed("checking", 1, 5), Progressed("writing", 1, 5)]:
        reporter(event)
    reporter.close()
    assert terminal.file.getvalue().count("\x1b[?25l") == terminal.file.getvalue().count(
        "\x1b[?25h"
    )
