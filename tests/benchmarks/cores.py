"""How much faster all cores parse a folder of photos than one, by the clock.

    python -m tests.benchmarks.cores [--photos 123] [--large 12] [--folder PHOTOS]

`grapy predict` parses a folder of photos of 448 pixels and one of 12 megapixels, on one core and on
all, by turns. The start of the program is taken off: it is the time that the same command takes for
one photo of 448 pixels. The photos are drawn, or resized from those of a folder, and repeated. This
needs a quiet machine, and `taskset`.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from grapy_cli.bench.input_photos import collect_photos
from grapy_cli.runtime.device import usable_cores
from tests.benchmarks.contest import Row, main
from tests.benchmarks.prepare import QUIET

GOAL = 1.7
"""On two cores."""


def rows(given: argparse.Namespace) -> Iterator[Row]:
    cores, busy = usable_cores(), os.getloadavg()[0]
    sizes = {"448px": given.photos, "12mp": given.large}
    names = {size: f"folder of {count} photos, {size}" for size, count in sizes.items()}
    if cores < 2 or not shutil.which("taskset"):
        for name in names.values():
            yield Row(name, GOAL, None, "this needs two cores and taskset")
        return
    with TemporaryDirectory() as scratch:
        sources = [given.folder] if given.folder else []
        folders = {
            size: repeated(sources, size, count, Path(scratch) / size)
            for size, count in sizes.items()
        }
        start = min(folders["448px"].iterdir())
        works = {"start": start, **folders}
        turns = [
            {
                (what, is_alone): seconds(work, Path(scratch) / "masks", is_alone=is_alone)
                for what, work in works.items()
                for is_alone in (True, False)
            }
            for _ in range(given.repeats)
        ]
    took = {way: statistics.median(turn[way] for turn in turns) for way in turns[0]}
    for size, name in names.items():
        one, all_cores = (took[size, alone] - took["start", alone] for alone in (True, False))
        how = f"{one:.2f} s on one core, {all_cores:.2f} on {cores}, by the clock"
        if busy > QUIET:
            how += f"; not meaningful: {busy:.0f} other programs were busy"
        yield Row(name, GOAL, one / all_cores, how)


def repeated(sources: list[str], size: str, count: int, folder: Path) -> Path:
    """Write that many photos of a size, by turns those of the sources, and return their folder."""
    made, photos = folder / "made", folder / "photos"
    made.mkdir(parents=True)
    photos.mkdir()
    few = collect_photos(sources, size, made)
    for index in range(count):
        shutil.copyfile(Path(str(few[index % len(few)].source)), photos / f"{index:04}.jpg")
    shutil.rmtree(made)
    return photos


def seconds(source: Path, out: Path, *, is_alone: bool) -> float:
    """Parse a photo, or a folder, in a program of its own; return its seconds by the clock."""
    command = [sys.executable, "-m", "grapy_cli", "predict", str(source), "--dataset", "atr"]
    command += ["--out", str(out), "--device", "cpu"]
    if is_alone:
        core = min(os.sched_getaffinity(0))
        command = ["taskset", "-c", str(core), *command]
    environment = {name: text for name, text in os.environ.items() if name != "OMP_NUM_THREADS"}
    begun = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    took = time.perf_counter() - begun
    shutil.rmtree(out)
    return took


if __name__ == "__main__":
    main(rows, __doc__, photos=123, large=12, folder="")
