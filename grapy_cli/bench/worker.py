"""A contestant in a separate process, so that memory, threads and caches are not shared."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

from grapy_cli.bench.build import Facts, build_contestant
from grapy_cli.bench.contestant import Contestant, Round
from grapy_cli.errors import DeviceError
from grapy_cli.predict.sources import FoundPhoto
from grapy_cli.settings.settings import Settings

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Worker:
    """Holds a contestant and measures it while the others wait."""

    def __init__(self) -> None:
        # Spawned: a fork would copy torch's threads and state.
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _leave_interrupts_to_others)

    def load(self, settings: Settings, photos: Sequence[FoundPhoto], out: Path) -> Facts:
        """Load the contestant, and parse every photo once.

        Raises:
            GrapyError: As `build_contestant`, and as its photos are read.
        """
        return self._call(_load, settings, photos, out)

    def measure(self) -> Round:
        """Measure one round.

        Raises:
            DeviceError: If the process was killed.
        """
        return self._call(_measure)

    def close(self) -> None:
        """End the process when its present work is done."""
        self._process.shutdown(cancel_futures=True)

    def _call(
        self, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
    ) -> Result:
        try:
            return self._process.submit(work, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise DeviceError(
                "a process that parsed photos was killed; mostly that is for want of memory",
                hint="Use a smaller --longest-side, or smaller photos.",
            ) from error


_loaded: list[Contestant] = []  # in the worker's process: what it measures


def _load(settings: Settings, photos: Sequence[FoundPhoto], out: Path) -> Facts:
    contestant, facts = build_contestant(settings, photos, out)
    contestant.parse_once()
    _loaded[:] = [contestant]
    return facts


def _measure() -> Round:
    return _loaded[0].measure()


def _leave_interrupts_to_others() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
