"""How fast parsings are written to files, and a folder of photos is parsed.

python -m tests.benchmarks.files

The reference paints an RGB picture and writes it with Pillow; ours writes an indexed PNG with a
palette. The step from logits to a label map is the same for both and has its own row. Compression
levels are compared by time times size: a ratio below 1 means that the level is better.
"""

import argparse
import io
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from grapy_cli.image_io import render
from grapy_cli.image_io.label_maps import encode_label_map
from grapy_cli.image_io.sample_photos import draw_photos
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.parsing import choose_parts
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize
from grapy_cli.predict.job import Job
from grapy_cli.predict.manifest import Shard
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.photo_results import Results
from grapy_cli.predict.outputs.writers import pack_picture
from grapy_cli.predict.plan import Plan, Task
from grapy_cli.predict.sources import find_photos, name_masks
from grapy_cli.runtime.profiler import Profiler
from tests.benchmarks import plain
from tests.benchmarks.contest import Row, main, take_turns

LABELS = LABEL_SETS["cihp"]
SIZE = (512, 384)
PHOTO = Path("examples/photos/astronaut.png")
NETWORK = ("backbone and decoder", "heads and pyramid")
"""Profiler spans of the network."""


def rows(given: argparse.Namespace) -> Iterator[Row]:
    label_map = draw()
    colors = [part.color for part in LABELS.parts]

    def paint() -> None:
        plain.color(label_map, colors).save(io.BytesIO(), "PNG")

    took = take_turns(given.repeats, paint, lambda: encode_label_map(label_map, LABELS.palette()))
    yield Row.of("label map to a colored file, 512x384", 40, *took)
    logits = torch.randn(LABELS.num_parts, 128, 96, generator=torch.manual_seed(0))
    took = take_turns(
        given.repeats,
        lambda: resize(logits[None], *SIZE).max(1),
        lambda: choose_parts(logits, *SIZE),
    )
    yield Row.of("logits to label map", 1, *took)
    yield from levels(label_map, given.repeats)
    yield of_folder(given.repeats)


def levels(label_map: np.ndarray, repeats: int) -> Iterator[Row]:
    """Compare our files with the compression levels of Pillow."""
    mask = Image.fromarray(label_map)
    mask.putpalette(LABELS.palette())
    with Image.open(PHOTO) as photo:
        pixels = np.asarray(photo.convert("RGB").resize(SIZE[::-1]))
    overlay = render.overlay(pixels, label_map, LABELS.nodes(3), 0.6)
    ours = {
        "mask": lambda: encode_label_map(label_map, LABELS.palette()),
        "overlay": lambda: packed_by_us(overlay),
    }
    for what, picture in (("mask", mask), ("overlay", overlay)):
        ways = [partial(packed, picture, compress_level=level) for level in range(10)]
        took = take_turns(repeats, *ways, ours[what])
        sizes = [len(way()) / 1e3 for way in (*ways, ours[what])]
        told = [f"{1e3 * s:.2f} ms {kb:.1f} kB" for s, kb in zip(took, sizes, strict=True)]
        costs = [s * kb for s, kb in zip(took, sizes, strict=True)]
        for level in range(10):
            ratio = costs[level] / costs[-1]
            how = f"{told[level]}, ours {told[-1]}"
            yield Row(f"{what} against PNG level {level}, time x size", 1, ratio, how)


def packed(picture: Image.Image, **compression: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", **compression)
    return file.getvalue()


def packed_by_us(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    pack_picture(picture, file)
    return file.getvalue()


def of_folder(repeats: int) -> Row:
    """Parse a folder with the embedded weights on one core, against the photos without files."""
    parser = HumanParser.load(device="cpu")
    with TemporaryDirectory() as scratch:
        draw_photos(Path(scratch))
        job, tasks = folder_job(parser, Path(scratch))
        readings = [parser.read(task.photo.source) for task in tasks]
        watch = Profiler(clock=time.process_time)

        def parse() -> None:
            with watch.running():
                for reading in readings:
                    parser.parse_all(reading, job.plan.datasets)

        whole, alone = take_turns(repeats, lambda: list(job.run(tasks, lambda: False)), parse)
    network = alone * sum(watch.seconds[name] for name in NETWORK) / sum(watch.seconds.values())
    told = [f"{1e3 * seconds / len(tasks):.1f}" for seconds in (whole, alone, network)]
    how = f"{told[0]} ms per photo, {told[1]} without files, {told[2]} in the network"
    what = "a folder of JPEGs on one core, share of the rate without files"
    return Row(what, 80, 100 * alone / whole, how, " %")


def folder_job(parser: HumanParser, photos: Path, batch: int = 1) -> tuple[Job, list[Task]]:
    """Build a job that parses a folder with `atr` into masks below it."""
    out = photos / "masks"
    found = find_photos([str(photos)], leave_out=out)
    kinds = plan_kinds([parser.network.label_sets["atr"]], [3], ["mask"])
    plan = Plan(found, name_masks(found), ["atr"], Results(out, kinds), recipe="")
    return Job(parser, plan, batch=batch), plan.tasks(Shard())


def draw() -> np.ndarray:
    """Draw a label map with smooth outlines, as those of parsings."""
    random = np.random.default_rng(0)
    heights = random.normal(size=(LABELS.num_parts, 8, 6)).astype(np.float32)
    smooth = [cv2.resize(one, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for one in heights]
    return np.argmax(smooth, 0).astype(np.uint8)


if __name__ == "__main__":
    main(rows, __doc__)
