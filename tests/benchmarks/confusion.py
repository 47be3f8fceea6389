"""How fast the confusion matrix of 20 parts is, against numpy, torchmetrics and scikit-learn.

python -m tests.benchmarks.confusion [--repeats 15]

All count the same label maps by turns in one process. The counts of all are compared with ours
first. The masks are wrong along the outlines, as those of parsers are, or in a random tenth of all
pixels, which is the worst case for ours.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import cv2
import numpy as np
import torch
from sklearn.metrics import confusion_matrix
from torchmetrics.functional.classification import multiclass_confusion_matrix

from grapy_cli.labels import IGNORE
from grapy_cli.metrics.confusion import count_pairs
from tests.benchmarks.contest import Row, main, take_turns

PARTS = 20
Count = Callable[[np.ndarray, np.ndarray], np.ndarray]


GOALS = {(512, 512): 3, (2000, 1500): 9}
"""Against 32-bit integers, the fastest of the usual methods."""


def rows(given: argparse.Namespace) -> Iterator[Row]:
    for (height, width), goal in GOALS.items():
        truth, masks = draw(height, width)
        for errors, mask in masks.items():
            expected = count_pairs(mask, truth, PARTS)
            for count in WAYS.values():  # no answer but the right one is timed
                np.testing.assert_array_equal(count(mask, truth), expected)
            turns = [partial(count, mask, truth) for count in WAYS.values()]
            took = dict(zip(WAYS, take_turns(3 * given.repeats, *turns), strict=True))
            ours = took.pop("grapy")
            others = ", ".join(f"{way} {seconds / ours:.1f}x" for way, seconds in took.items())
            what = f"confusion matrix {height}x{width}, errors {errors}"
            how = f"{1e3 * ours:.2f} ms ours; {others}"
            yield Row(f"{what}, bincount", goal, took["int32 bincount"] / ours, how)
            library = took["scikit-learn"] / ours
            yield Row(f"{what}, scikit-learn", 30, library, "as above")


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
    "int64 bincount": count_by_bincount(np.int64),
    "int32 bincount": count_by_bincount(np.int32),
    "torchmetrics": count_by_torchmetrics(checked=False),
    "torchmetrics, validating": count_by_torchmetrics(checked=True),
    "scikit-learn": count_by_scikit_learn,
}


if __name__ == "__main__":
    main(rows, __doc__)
