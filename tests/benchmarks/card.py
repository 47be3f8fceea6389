"""How near to what a card's memory allows photos are parsed; needs CUDA.

python -m tests.benchmarks.card

The bounds are calculated for an H100 (3.0 TB/s, 798 TFLOP/s in bf16) from the bytes that each
operation moves; training has its own rows in `tests.benchmarks.train`.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from PIL import Image

from grapy_cli.predict.job import Job
from grapy_cli.predict.manifest import Shard
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.plan import Plan
from grapy_cli.predict.sources import find_photos, name_masks
from grapy_cli.predict.write.outputs import plan_kinds
from grapy_cli.predict.write.results import Results
from tests.benchmarks.contest import Row, main
from tests.benchmarks.network import DATASET, build_both, images

BOUND = 2250
"""Photos of 512x512 a second, folded, in bf16."""
BATCH = 32
WAITING = {
    "parsing on an H100, bf16, of what its memory allows": 50,
    "a folder of JPEGs on an H100, of the network's own rate": 80,
}


def rows(given: argparse.Namespace) -> Iterator[Row]:
    if not torch.cuda.is_available():
        for what, goal in WAITING.items():
            yield Row(what, goal, None, "there is no CUDA device", " %")
        return
    what, folder = WAITING
    _, network = build_both()
    network = network.cuda().to(torch.bfloat16)
    batch = images().repeat(BATCH, 1, 1, 1).cuda().to(torch.bfloat16)
    pace = BATCH / timed(lambda: network(batch, DATASET), given.repeats)
    how = f"{pace:.0f} photos/s of {BOUND}, {BATCH} at a time"
    yield Row(what, WAITING[what], 100 * pace / BOUND, how, " %")
    yield of_folder(folder, given.repeats)


def of_folder(what: str, repeats: int) -> Row:
    """The embedded weights: photos that are read, parsed and written, beside parsing alone."""
    parser = HumanParser.load(device="cuda")
    labels = parser.network.label_sets["atr"]
    with TemporaryDirectory() as scratch:
        drawn = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
        picture = Image.fromarray(drawn).resize((480, 640), Image.Resampling.BICUBIC)
        for number in range(100):
            picture.save(Path(scratch) / f"{number}.jpg")
        found = find_photos([scratch], leave_out=Path(scratch) / "masks")
        results = Results(Path(scratch) / "masks", plan_kinds([labels], [3], ["mask"]))
        plan = Plan(found, name_masks(found), [labels.name], results, recipe="")
        tasks = plan.tasks(Shard())
        whole = timed(lambda: list(Job(parser, plan).run(tasks, lambda: False)), repeats)
    alone = 100 * timed(lambda: parser.parse(np.asarray(picture), "atr"), repeats)
    how = f"{100 / whole:.0f} photos/s, {100 / alone:.0f} without files"
    return Row(what, WAITING[what], 100 * alone / whole, how, " %")


@torch.inference_mode()
def timed(work: Callable[[], object], repeats: int) -> float:
    took = []
    for _ in range(repeats + 1):
        begun = perf_counter()
        work()
        torch.cuda.synchronize()
        took.append(perf_counter() - begun)
    return median(took[1:])


if __name__ == "__main__":
    main(rows, __doc__)
