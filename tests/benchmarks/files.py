"""How fast a parsing becomes a coloured file, beside painting it pixel by pixel.

python -m tests.benchmarks.files

The reference paints an RGB picture and has Pillow write it; ours writes an indexed PNG, whose
palette is the colours. The reading of the label map off the logits is the same for both and stands
apart.
"""

import argparse
import io
from collections.abc import Iterator

import cv2
import numpy as np
import torch

from grapy_cli.data.files import encode_label_map
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize
from grapy_cli.predict.parsing import decide
from tests.benchmarks import plain
from tests.benchmarks.contest import Row, main, take_turns

LABELS = LABEL_SETS["cihp"]
SIZE = (512, 384)


def rows(given: argparse.Namespace) -> Iterator[Row]:
    label_map = draw()
    colors = [part.color for part in LABELS.parts]

    def paint() -> None:
        plain.color(label_map, colors).save(io.BytesIO(), "PNG")

    took = take_turns(given.repeats, paint, lambda: encode_label_map(label_map, LABELS.palette()))
    yield Row.of("label map to a coloured file, 512x384", 40, *took)
    logits = torch.randn(LABELS.num_parts, 128, 96, generator=torch.manual_seed(0))
    took = take_turns(
        given.repeats,
        lambda: resize(logits[None], *SIZE).softmax(1).max(1),
        lambda: decide(logits, *SIZE),
    )
    yield Row.of("logits to label map and confidence", 1, *took)


def draw() -> np.ndarray:
    """A label map in areas with smooth outlines, as parsings are."""
    random = np.random.default_rng(0)
    heights = random.normal(size=(LABELS.num_parts, 8, 6)).astype(np.float32)
    smooth = [cv2.resize(one, SIZE[::-1], interpolation=cv2.INTER_CUBIC) for one in heights]
    return np.argmax(smooth, 0).astype(np.uint8)


if __name__ == "__main__":
    main(rows, __doc__)
