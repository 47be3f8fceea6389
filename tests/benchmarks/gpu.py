"""How close parsing comes to the limit of a GPU's memory bandwidth; needs CUDA.

python -m tests.benchmarks.gpu

The bounds are calculated for an H100 (3.0 TB/s, 798 TFLOP/s in bf16) from the bytes that each
operation moves; training has its own rows in `tests.benchmarks.train`.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from PIL import Image

from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference.cuda_graph_network import CudaGraphNetwork
from grapy_cli.inference.parser import HumanParser
from tests.benchmarks.contest import Row, main
from tests.benchmarks.files import folder_job
from tests.benchmarks.network import DATASET, build_both, images

BOUND = 2250
"""Photos of 512x512 per second, folded, in bf16."""
BATCH = 32
TOGETHER = 8
PHOTOS = 100
BOUNDED = "parsing on an H100, bf16, share of its bandwidth limit"
REPLAYED = "one photo on a GPU, CUDA graphs against step by step"
BATCHED = f"{TOGETHER} photos on a GPU in one batch against one by one"
FOLDER = "a folder of JPEGs on a GPU, share of the rate without files"
FOLDER_TOGETHER = f"the same in batches of {TOGETHER}, against one by one"
GOALS = {BOUNDED: 50, REPLAYED: 2, BATCHED: 2, FOLDER: 80, FOLDER_TOGETHER: 1}
UNITS = {BOUNDED: " %", FOLDER: " %"}


def rows(given: argparse.Namespace) -> Iterator[Row]:
    if not torch.cuda.is_available():
        for what, goal in GOALS.items():
            yield Row(what, goal, None, "there is no CUDA device", UNITS.get(what, "x"))
        return
    yield of_bound(given.repeats)
    yield from of_parser(given.repeats)


def of_bound(repeats: int) -> Row:
    """The paper's network, many photos at a time."""
    _, network = build_both()
    network = network.cuda().to(torch.bfloat16)
    batch = images().repeat(BATCH, 1, 1, 1).cuda().to(torch.bfloat16)
    pace = BATCH / timed(lambda: network(batch, DATASET), repeats)
    how = f"{pace:.0f} photos/s of {BOUND}, {BATCH} at a time"
    return Row(BOUNDED, GOALS[BOUNDED], 100 * pace / BOUND, how, " %")


def of_parser(repeats: int) -> Iterator[Row]:
    """The embedded weights, without files and with them."""
    parser = HumanParser.load(device="cuda")
    assert isinstance(parser.network, CudaGraphNetwork)
    plain = replace(parser, network=parser.network.network)
    drawn = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    picture = Image.fromarray(drawn).resize((480, 640), Image.Resampling.BICUBIC)
    reading = ReadPhoto(np.asarray(picture), (640, 480))
    several = [reading] * TOGETHER
    steps = timed(lambda: plain.parse_all(reading, ["atr"]), 5 * repeats)
    alone = timed(lambda: parser.parse_all(reading, ["atr"]), 5 * repeats)
    together = timed(lambda: parser.parse_together(several, ["atr"]), 5 * repeats)
    yield Row.of(REPLAYED, GOALS[REPLAYED], steps, alone)
    yield Row.of(BATCHED, GOALS[BATCHED], alone, together / TOGETHER)
    with TemporaryDirectory() as scratch:
        for number in range(PHOTOS):
            picture.save(Path(scratch) / f"{number}.jpg")
        took = [timed(folder_of(parser, Path(scratch), size), repeats) for size in (1, TOGETHER)]
    how = f"{PHOTOS / took[0]:.0f} photos/s, {1 / alone:.0f} without files"
    yield Row(FOLDER, GOALS[FOLDER], 100 * PHOTOS * alone / took[0], how, " %")
    yield Row.of(FOLDER_TOGETHER, GOALS[FOLDER_TOGETHER], *took)


def folder_of(parser: HumanParser, photos: Path, batch: int) -> Callable[[], object]:
    job, tasks = folder_job(parser, photos, batch)
    return lambda: list(job.run(tasks, lambda: False))


@torch.inference_mode()
def timed(work: Callable[[], object], repeats: int) -> float:
    """Seconds of a piece of work, after its CUDA graphs were captured."""
    took = []
    for _ in range(repeats + 3):
        begun = perf_counter()
        work()
        torch.cuda.synchronize()
        took.append(perf_counter() - begun)
    return median(took[3:])


if __name__ == "__main__":
    main(rows, __doc__)
