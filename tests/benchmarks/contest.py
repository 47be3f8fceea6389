"""What all benchmarks share: measurements by turns, and table rows with goals."""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch

HEADS = ("what", "goal", "measured", "reached", "how")


class Row(NamedTuple):
    """One goal and its measurement."""

    what: str
    goal: float
    measured: float | None
    """None if it cannot be measured here; `how` says why."""
    how: str
    unit: str = "x"
    is_limit: bool = False
    """Whether smaller is better."""

    @classmethod
    def of(cls, what: str, goal: float, plain: float, ours: float, unit: str = "ms") -> "Row":
        """Build a row from a ratio of two times in seconds, or of two other numbers."""
        factor = {"ms": 1e3, "us": 1e6}.get(unit, 1)
        how = f"{plain * factor:.4g} {unit} plain, {ours * factor:.4g} ours"
        return cls(what, goal, plain / ours, how)

    @property
    def is_reached(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured <= self.goal if self.is_limit else self.measured >= self.goal

    def to_markdown(self) -> str:
        goal = f"{'≤' if self.is_limit else '≥'} {self.goal:g}{self.unit}"
        measured = "-" if self.measured is None else f"{self.measured:.3g}{self.unit}"
        reached = {True: "yes", False: "no", None: "-"}[self.is_reached]
        return f"| {self.what} | {goal} | {measured} | {reached} | {self.how} |"


def take_turns(repeats: int, *ways: Callable[[], object], warm: bool = True) -> list[float]:
    """Measure the median processor seconds of each function; other programs do not count."""
    if warm:
        for way in ways:
            way()
    turns = [[seconds(way) for way in ways] for _ in range(repeats)]
    return [statistics.median(of_way) for of_way in zip(*turns, strict=True)]


def seconds(work: Callable[[], object]) -> float:
    """Measure the processor seconds of a function, over all its threads."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


class Cost(NamedTuple):
    """Processor time and memory of a process from start to end."""

    cpu: float
    """Seconds."""
    peak: float
    """MiB, libraries included."""


_WAIT = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
sys.exit(done.returncode)
"""
# A process in between, because RUSAGE_CHILDREN has the peak of the largest child so far.


def cost(*command: str) -> Cost:
    """Run a program and measure its cost."""
    waiter = [sys.executable, "-c", _WAIT, *command]
    result = subprocess.run(waiter, check=True, capture_output=True, text=True)
    return Cost(*json.loads(result.stdout))


def costs(repeats: int, *commands: Iterable[str]) -> list[Cost]:
    """Measure the median cost of each program; the first turn only fills the file cache."""
    turns = [[cost(*command) for command in commands] for _ in range(repeats + 1)][1:]
    return [
        Cost(*(statistics.median(figures) for figures in zip(*of_one, strict=True)))
        for of_one in zip(*turns, strict=True)
    ]


def main(
    rows: Callable[[argparse.Namespace], Iterator[Row]], doc: str | None, **options: Any
) -> None:
    """Measure and print the rows of a benchmark; `options` are its flags with their defaults."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="turns of each way")
    parser.add_argument("--bare", action="store_true", help="no head above the table")
    for name, default in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if not given.bare:
        print_head()
    for row in rows(given):
        print(row.to_markdown(), flush=True)


def print_head() -> None:
    for cells in (HEADS, ["---"] * len(HEADS)):
        print(f"| {' | '.join(cells)} |", flush=True)
