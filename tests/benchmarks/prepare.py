"""How fast `prepare` is, against a plain version of its work.

python -m tests.benchmarks.prepare [--count 500]

The plain version is the reference's: it opens with Pillow, translates each part by `np.where`, and
saves two label maps with Pillow, one of them mirrored. It checks nothing; ours runs all checks
of the audit. Both read and write the same files by turns, each time in a new process.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from grapy_cli.labels.cihp import CIHP
from grapy_cli.prepare.run import run_prepare
from grapy_cli.prepare.synthetic.write_release import draw_release
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings, SyntheticSettings
from grapy_cli.settings.settings import Settings
from tests.benchmarks.contest import Row, main

WAYS = ("plain", "1 process", "2 processes")
SIZE = (500, 333)
QUIET = 1.0
"""Most busy programs with which two processes still have two cores."""


def rows(given: argparse.Namespace) -> Iterator[Row]:
    if given.way:
        print(json.dumps(measure(given.way, Path(given.release), Path(given.out))))
        return
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        release = draw(Path(folder), given.count)
        turns = [
            {way: run(way, release, Path(folder)) for way in WAYS} for _ in range(given.repeats)
        ]
    cpu, wall = (
        {way: statistics.median(turn[way][kind] for turn in turns) / given.count for way in WAYS}
        for kind in ("cpu", "seconds")
    )
    yield Row.of("prepare, a photo of 500x333, all checks", 4.8, cpu["plain"], cpu["1 process"])
    how = f"{1 / wall['1 process']:.0f} and {1 / wall['2 processes']:.0f} photos/s in wall time"
    if busy > QUIET:
        how += f", not meaningful: {busy:.0f} other programs were busy"
    ratio = wall["1 process"] / wall["2 processes"]
    yield Row("prepare, from 1 process to 2", 1.7, None if busy > QUIET else ratio, how)


def draw(folder: Path, count: int) -> Path:
    made = SyntheticSettings(count=count, size=SIZE)
    settings = Settings(
        data=DataSettings(root=folder / "drawn"), prepare=PrepareSettings(synthetic=made)
    )
    return draw_release(settings, "cihp", silence)


def run(way: str, release: Path, folder: Path) -> dict[str, float]:
    """Do the work in a new process, so that its peak of memory counts alone."""
    out = folder / "out"
    command = [sys.executable, "-m", "tests.benchmarks.prepare", "--bare", "--way", way]
    command += ["--release", str(release), "--out", str(out)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    shutil.rmtree(out)
    return json.loads(result.stdout)


def measure(way: str, release: Path, out: Path) -> dict[str, float]:
    work: Callable[[], object]
    if way == "plain":
        work = lambda: [convert_plainly(*pair, out) for pair in pairs(release)]  # noqa: E731
    else:
        options = PrepareSettings(source=release, processes=int(way.split()[0]))
        settings = Settings(data=DataSettings(root=out, dataset=["cihp"]), prepare=options)
        work = lambda: run_prepare(settings, silence)  # noqa: E731
    start, used = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - used,
    }


def pairs(release: Path) -> Iterator[tuple[Path, Path]]:
    for photo in sorted((release / "Images").iterdir()):
        yield photo, release / "Category_ids" / f"{photo.stem}.png"


def convert_plainly(photo: Path, label: Path, out: Path) -> None:
    Image.open(photo).load()
    label_map = np.array(Image.open(label))
    translated = translate(label_map, range(CIHP.num_parts))
    mirrored = translate(label_map[:, ::-1], CIHP.mirror_ids)
    for folder, one in (("labels", translated), ("labels_mirrored", mirrored)):
        target = out / folder / label.name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(target)
    target = out / "images" / photo.name
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(photo, target)


def translate(label_map: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    translated = np.zeros_like(label_map)
    for part, other in enumerate(ids):
        translated[np.where(label_map == part)] = other
    return translated


if __name__ == "__main__":
    main(rows, __doc__, count=500, way="", release="", out="")
