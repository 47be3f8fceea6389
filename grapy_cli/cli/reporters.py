"""Show events: a progress bar and lines in a terminal, fewer plain lines in a pipe."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from grapy_cli.cli.console import say, talk
from grapy_cli.cli.format_events import line_of, progress_of, style_of
from grapy_cli.runtime.reporting import Event, Progressed, Reporter
from grapy_cli.safe_text import spelled
from grapy_cli.train.events import StepDone

# A pipe gets progress after a tenth of the work and ten seconds, and at least every five minutes:
# training for days stays visible, and for seconds is one line.
_SHARE = 0.1
_PAUSE = 10.0
_LONGEST_SILENCE = 300.0


@contextmanager
def open_reporter() -> Iterator[Reporter]:
    """Open the reporter that suits standard error, and clear its display at the end."""
    console = talk()
    if not console.is_terminal:
        yield LineReporter(console)
        return
    reporter = RichReporter(console)
    try:
        yield reporter
    finally:
        reporter.close()


class _LatestLosses:
    """Adds the latest losses of the other data sets to a step's."""

    def __init__(self) -> None:
        self._losses: dict[str, float] = {}

    def complete(self, event: Event) -> Event:
        if not isinstance(event, StepDone):
            return event
        self._losses |= event.losses
        return replace(event, losses=dict(sorted(self._losses.items())))


class LineReporter:
    """Writes a plain line per event; of progress only some, and always the last."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._last: dict[str, tuple[int, float]] = {}  # by task: how much was done, and when
        self._losses = _LatestLosses()

    def __call__(self, event: Event, /) -> None:
        """Write the line of an event, unless it is progress that is not due."""
        event = self._losses.complete(event)
        progress = progress_of(event)
        if progress is None or self._is_due(progress):
            say(self._console, line_of(event), style_of(event))

    def _is_due(self, progress: Progressed) -> bool:
        now = self._clock()
        if progress.done >= progress.total:
            self._last.pop(progress.work, None)
            return True
        done, at = self._last.setdefault(progress.work, (progress.done, now))
        is_far = progress.done - done >= _SHARE * progress.total
        if now - at < (_PAUSE if is_far else _LONGEST_SILENCE):
            return False
        self._last[progress.work] = progress.done, now
        return True


class RichReporter:
    """Shows one progress bar for the current task, and writes other lines above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = _Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[beside]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,  # results go to standard output, even while there is a bar
        )
        self._task: TaskID | None = None
        self._work = ""
        self._losses = _LatestLosses()

    def __call__(self, event: Event, /) -> None:
        """Move the bar, or write the event's line above it."""
        event = self._losses.complete(event)
        progress = progress_of(event)
        if progress is not None and progress.done < progress.total:
            self._move(progress)
            return
        if progress is not None:
            self.close()
        say(self._console, line_of(event), style_of(event))

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self._task is not None:
            self._bar.stop()
            self._bar.remove_task(self._task)
            self._task = None

    def _move(self, progress: Progressed) -> None:
        if progress.work != self._work:
            self.close()
        if self._task is None:
            self._work = progress.work
            self._task = self._bar.add_task(spelled(progress.work), beside="", below="")
        is_long = len(progress.note) > self._console.width // 3
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.done,
            beside="" if is_long else progress.note,
            below=progress.note if is_long else "",
        )
        self._bar.start()  # shows the bar if it is hidden


class _Bar(Progress):
    """A bar that puts a long note on a second line, so that there is room for the bar."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Give the bars, and below them the long notes."""
        yield self.make_tasks_table(self.tasks)
        for task in self.tasks:
            if task.fields["below"]:
                yield Text(task.fields["below"], style="dim")
