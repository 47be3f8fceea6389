"""How fast the confusion matrix of 20 parts is, beside numpy, torchmetrics and scikit-learn.

python -m tests.benchmarks.confusion [--rounds 15]

All count the same label maps, in turn within one process; shown are medians in milliseconds. Every
way's counts are held to ours first, so nobody is timed at another task. The masks are wrong along
the outlines, as parsers are, or in a tenth of all pixels at random, which suits ours least.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from sklearn.metrics import confusion_matrix
from torchmetrics.functional.classification import multiclass_confusion_matrix

from grapy_cli.labels import IGNORE
from grapy_cli.metrics.confusion import count_pairs

PARTS = 20
SIZES = ((512, 512), (2000, 1500))
Count = Callable[[np.ndarray, np.ndarray], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="times each way counts")
    rounds = parser.parse_args().rounds
    for height, width in SIZES:
        truth, masks = draw(height, width)
        for errors, mask in masks.items():
            medians = measure(mask, truth, rounds)
            print(f"{height}x{width}, {PARTS} parts, 255 ignored, errors {errors}")
            for way, seconds in medians.items():
                ratio = seconds / medians["grapy"]
                print(f"  {way:26}{1000 * seconds:9.2f} ms{ratio:8.1f}x")


def draw(height: int, width: int) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """A truth in areas, its rim ignored, and masks that are wrong in two ways."""
    random = np.random.default_rng(0)
    areas = random.integers(0, PARTS, (height // 40, width // 40), dtype=np.uint8)
    truth = cv2.resize(areas, (width, height), interpolation=cv2.INTER_NEAREST)
    noise = random.integers(0, PARTS, truth.shape, dtype=np.uint8)
    masks = {
        "along outlines": np.roll(truth, (3, 4), (0, 1)),
        "at random": np.where(random.random(truth.shape) < 0.1, noise, truth),
    }
    truth[:5] = truth[:, :5] = IGNORE
    return truth, masks


def measure(mask: np.ndarray, truth: np.ndarray, rounds: int) -> Mapping[str, float]:
    expected = count_pairs(mask, truth, PARTS)
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way, count in WAYS.items():
            start = time.perf_counter()
            counts = count(mask, truth)
            seconds = time.perf_counter() - start
            if turn == 0:  # warming up, and no answer but the right one is timed
                np.testing.assert_array_equal(counts, expected)
            else:
                times[way].append(seconds)
    return {way: statistics.median(of_way) for way, of_way in times.items()}


def count_by_bincount(kind: type[np.integer]) -> Count:
    """The usual way, as the reference has it, over integers of a kind."""

    def count(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
        known = truth < PARTS
        pairs = PARTS * truth[known].astype(kind) + mask[known]
        return np.bincount(pairs, minlength=PARTS**2).reshape(PARTS, PARTS)

    return count


def count_by_torchmetrics(*, checked: bool) -> Count:
    def count(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
        tensors = (torch.from_numpy(ids.astype(np.int64)) for ids in (mask, truth))
        return multiclass_confusion_matrix(
            *tensors, PARTS, ignore_index=IGNORE, validate_args=checked
        ).numpy()

    return count


def count_by_scikit_learn(mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    known = truth != IGNORE
    return confusion_matrix(truth[known], mask[known], labels=range(PARTS))


WAYS: Mapping[str, Count] = {
    "grapy": lambda mask, truth: count_pairs(mask, truth, PARTS),
    "numpy bincount, int64": count_by_bincount(np.int64),
    "numpy bincount, int32": count_by_bincount(np.int32),
    "torchmetrics": count_by_torchmetrics(checked=False),
    "torchmetrics, validating": count_by_torchmetrics(checked=True),
    "scikit-learn": count_by_scikit_learn,
}


if __name__ == "__main__":
    main()
