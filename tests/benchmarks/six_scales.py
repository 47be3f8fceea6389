"""How fast a photo is parsed at six scales with mirror images, and in how much memory.

python -m tests.benchmarks.six_scales [--repeats 1]

Both parse the same photo of 512x384 pixels, each time in a new process, so that its peak of memory
counts alone. The processor time is that of the parsing.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor

from grapy_cli.inference.tta import TTA, parse_logits
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize
from grapy_cli.model.grapy import GrapyNet
from tests.benchmarks import plain
from tests.benchmarks.contest import Row, main, seconds
from tests.benchmarks.network import DATASET, build_both, images


def rows(given: argparse.Namespace) -> Iterator[Row]:
    if given.way:
        print(json.dumps(measure(given.way)))
        return
    turns = [{way: run(way) for way in ("plain", "ours")} for _ in range(given.repeats)]
    (slow, large), (quick, small) = (
        [statistics.median(of_one) for of_one in zip(*(turn[way] for turn in turns), strict=True)]
        for way in ("plain", "ours")
    )
    yield Row.of("six scales with mirror, 512x384, fp32", 2.3, slow, quick)
    how = f"{large:.0f} MiB plain, {small:.0f} ours, libraries and weights included"
    yield Row("six scales with mirror, peak memory", 0.75, small / large, how, is_limit=True)


def run(way: str) -> list[float]:
    command = [sys.executable, "-m", "tests.benchmarks.six_scales", "--bare", "--way", way]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(way: str) -> list[float]:
    """Measure seconds and the peak MiB of the process."""
    theirs, ours = build_both()
    photo = images()[0].add(1).mul(127.5).byte().permute(1, 2, 0).numpy()[:, :384].copy()
    if way == "plain":
        del ours
        took = seconds(lambda: augment_plainly(theirs, photo))
    else:
        del theirs
        took = seconds(lambda: parse_logits(ours, photo, [DATASET], TTA["paper"]))
    return [took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]


@torch.inference_mode()
def augment_plainly(network: GrapyNet, photo: np.ndarray) -> Tensor:
    """Sum the logits of six scales and their mirror images at the size of the photo."""
    height, width = photo.shape[:2]
    total = torch.zeros(1, LABEL_SETS[DATASET].num_parts, height, width)
    for scale in TTA["paper"].scales:
        version = cv2.resize(photo, (int(width * scale), int(height * scale)))
        one = torch.from_numpy(version).permute(2, 0, 1).float() / 127.5 - 1
        _, logits = plain.parse(network, torch.stack([one, one.flip(2)]), DATASET)
        mirrored = logits[1:, list(LABEL_SETS[DATASET].mirror_ids)].flip(3)
        total += resize((logits[:1] + mirrored) / 2, height, width)
    return total


if __name__ == "__main__":
    main(rows, __doc__, way="")
