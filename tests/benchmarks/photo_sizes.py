"""From a photo's file to its mask's file, for photos of the sizes that people have.

    python -m tests.benchmarks.photo_sizes

The reference form reads and writes with Pillow, and resizes all logits to the photo's size for
argmax and softmax. SegFormer-B0 runs as the documentation of transformers shows it; its weights are
random, which takes the same time. Without transformers its rows are left out.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from grapy_cli.bench.input_photos import collect_photos
from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tta import TTA, parse_logits
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.photo_results import Results, describe
from tests.benchmarks.contest import Row, main, take_turns

LABELS = LABEL_SETS["atr"]
PHOTO = Path("examples/photos/grace_hopper.jpg")
GOALS = {"448px": 1, "2mp": 1.7, "12mp": 3.3}

Way = Callable[[Path, Path], None]
"""Parses a photo's file and writes the mask into a folder."""


def rows(given: argparse.Namespace) -> Iterator[Row]:
    parser = HumanParser.load(device="cpu")
    others = {"the reference form": reference(parser)}
    if find_spec("transformers"):
        others["SegFormer-B0"] = segformer()
    for size, goal in GOALS.items():
        with TemporaryDirectory() as scratch:
            (photo,) = collect_photos([str(PHOTO)], size, Path(scratch))
            files = Path(str(photo.source)), Path(scratch)
            for name, way in others.items():
                took = take_turns(
                    given.repeats, partial(way, *files), partial(ours, parser, *files)
                )
                yield Row.of(f"file to mask, {size}, beside {name}", goal, *took)


def ours(parser: HumanParser, file: Path, out: Path) -> None:
    parsings = parser.parse_all(parser.read(file), [LABELS.name])
    Results(out, plan_kinds([LABELS], [3], ["mask"])).write(parsings, PurePosixPath("ours"))
    describe(parsings)


def reference(parser: HumanParser) -> Way:
    def parse(file: Path, out: Path) -> None:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        size = parser.size_of(ReadPhoto(pixels, (pixels.shape[0], pixels.shape[1])))
        stride = parser.network.numbers.output_stride
        logits = parse_logits(
            parser.network, pixels, [LABELS.name], TTA["none"], size=size, grid=stride
        )[LABELS.name]
        whole = resize(resize(logits[None], *size), *pixels.shape[:2])[0]
        write(whole.argmax(0), out)
        whole.softmax(0).amax(0).mean()

    return parse


def segformer() -> Way:
    from transformers import (
        SegformerConfig,
        SegformerForSemanticSegmentation,
        SegformerImageProcessorPil,
    )

    processor = SegformerImageProcessorPil()
    network = SegformerForSemanticSegmentation(SegformerConfig(num_labels=LABELS.num_parts)).eval()

    @torch.inference_mode()
    def parse(file: Path, out: Path) -> None:
        photo = Image.open(file).convert("RGB")
        found = network(**processor(images=photo, return_tensors="pt"))
        sizes = [photo.size[::-1]]
        write(processor.post_process_semantic_segmentation(found, target_sizes=sizes)[0], out)

    return parse


def write(label_map: torch.Tensor, out: Path) -> None:
    mask = Image.fromarray(label_map.to(torch.uint8).numpy())
    mask.putpalette(LABELS.palette())
    mask.save(out / "plain.png")


if __name__ == "__main__":
    main(rows, __doc__)
