"""How work speaks: it emits facts as events, and a reporter at the edge decides how they look."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Event:
    """Something that happened, with the numbers that belong to it."""


@dataclass(frozen=True)
class Progressed(Event):
    """A long piece of work came one item further."""

    work: str
    """What is being done, in two words: "converting train", "parsing photos"."""
    done: int
    total: int
    note: str = ""
    """A short figure worth seeing on the way: a rate, a loss."""
    seconds_left: float | None = None
    """By the rate so far; a live bar has its own."""


@dataclass(frozen=True)
class Told(Event):
    """A sentence a person should read once: a choice that was made, a fact about the input."""

    text: str


@dataclass(frozen=True)
class Warned(Event):
    """A sentence about something that is wrong but does not end the work."""

    text: str


@runtime_checkable
class Reporter(Protocol):
    """Whatever wants to hear events: a terminal, a journal, the `append` of a test's list."""

    def __call__(self, event: Event, /) -> object:
        """Hear one event; what is returned is not looked at."""


def tee(*reporters: Reporter) -> Reporter:
    """Join several reporters into one; each hears every event, in the order given."""

    def report(event: Event) -> None:
        for reporter in reporters:
            reporter(event)

    return report


def silence(event: Event) -> None:
    """Say nothing: the reporter of every rank but the first."""
