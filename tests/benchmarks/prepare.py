"""How fast `prepare` is, and how much memory it takes, beside the plain way of doing its work.

python -m tests.benchmarks.prepare [--count 2000] [--size 333,500]

Both read and write the same files, in processes of their own, one after another. The plain way
opens with Pillow, finds each part with numpy, and saves with Pillow; it checks nothing.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from grapy_cli.labels.cihp import CIHP
from grapy_cli.prepare.run import run_prepare
from grapy_cli.prepare.synthetic.release import draw_release
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings, SyntheticSettings
from grapy_cli.settings.settings import Settings

WAYS = ("plain", "1 process", "2 processes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="photos")
    parser.add_argument("--size", default="333,500", help="their height and width, pixels")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--release", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        print(json.dumps(measure(given.way, given.release, given.out)))
        return
    height, width = map(int, given.size.split(","))
    with tempfile.TemporaryDirectory() as folder:
        release = draw(Path(folder), given.count, (height, width))
        show(given.count, {way: run(way, release, Path(folder)) for way in WAYS})


def draw(folder: Path, count: int, size: tuple[int, int]) -> Path:
    made = SyntheticSettings(count=count, size=size)
    settings = Settings(
        data=DataSettings(root=folder / "drawn"), prepare=PrepareSettings(synthetic=made)
    )
    start = time.perf_counter()
    release = draw_release(settings, "cihp", silence)
    seconds = time.perf_counter() - start
    print(f"drawing {count} photos of {size[0]}x{size[1]}: {count / seconds:.0f} photos/s")
    return release


def run(way: str, release: Path, folder: Path) -> dict[str, float]:
    """Do the work one way, in a process of its own, whose peak of memory is its own."""
    out = folder / "out"
    command = [sys.executable, "-m", "tests.benchmarks.prepare", "--way", way]
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
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def pairs(release: Path) -> Iterator[tuple[Path, Path]]:
    for photo in sorted((release / "Images").iterdir()):
        yield photo, release / "Category_ids" / f"{photo.stem}.png"


def convert_plainly(photo: Path, label: Path, out: Path) -> None:
    Image.open(photo).load()
    label_map = np.array(Image.open(label))
    for level in (3, 2, 1):
        lifted = np.zeros_like(label_map)
        for part, node in enumerate(CIHP.lift(level)):
            lifted[np.where(label_map == part)] = node
        picture = Image.fromarray(lifted)
        picture.putpalette(CIHP.palette(level))
        target = out / f"level{level}" / label.name
        target.parent.mkdir(parents=True, exist_ok=True)
        picture.save(target)
    target = out / "images" / photo.name
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(photo, target)


def show(count: int, measured: dict[str, dict[str, float]]) -> None:
    plain = measured["plain"]
    print(f"{'':12}{'photos/s':>10}{'of plain':>10}{'per cpu s':>11}{'peak MiB':>10}")
    for way, one in measured.items():
        ratio = plain["seconds"] / one["seconds"]
        columns = f"{count / one['seconds']:10.0f}{ratio:9.2f}x{count / one['cpu']:11.0f}"
        print(f"{way:12}{columns}{one['peak']:10.0f}")


if __name__ == "__main__":
    main()
