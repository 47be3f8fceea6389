"""Events: work reports facts, and a reporter decides how they are shown."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")


@dataclass(frozen=True)
class Event:
    """Something that happened, with its numbers."""


@dataclass(frozen=True)
class Progressed(Event):
    """A long piece of work finished one more item."""

    work: str
    """What is being done, in two words: "converting train", "parsing photos"."""
    done: int
    total: int
    note: str = ""
    """A short figure, as a rate or a loss."""
    seconds_left: float | None = None
    """By the rate so far; a progress bar estimates its own."""


@dataclass(frozen=True)
class Told(Event):
    """A sentence for the user: a choice that was made, or a fact about the input."""

    text: str


@dataclass(frozen=True)
class Warned(Event):
    """A sentence about a problem that does not end the work."""

    text: str


@runtime_checkable
class Reporter(Protocol):
    """A function that gets events: a terminal, a journal, the `append` of a test's list."""

    def __call__(self, event: Event, /) -> object:
        """Get one event; the returned value is ignored."""


def tee(*reporters: Reporter) -> Reporter:
    """Join several reporters into one; each gets every event, in the order given."""

    def report(event: Event) -> None:
        for reporter in reporters:
            reporter(event)

    return report


def paced(
    photos: Iterable[Item], work: str, total: int, report: Reporter, *, before: int = 0
) -> Iterator[Item]:
    """Pass photos on, and report progress and rate about 200 times, each after a finished photo.

    Args:
        before: Photos that an earlier run finished; they count as done, but not for the rate.
    """
    began = time.monotonic()
    for done, photo in enumerate(photos, start=before + 1):
        yield photo
        if done % max(1, total // 200) == 0 or done == total:
            rate = (done - before) / max(time.monotonic() - began, 1e-9)
            note, left = f"{rate:.0f} photos/s", (total - done) / rate
            report(Progressed(work, done, total, note, left))


def silence(event: Event) -> None:
    """Drop an event: the reporter of every rank but the first."""
