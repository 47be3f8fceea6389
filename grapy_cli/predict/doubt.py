"""How much of a parsing is likely wrong, told without knowing the truth.

`doubt` ranks photos by what they need: somebody to look at them. It and everything it was measured
against come from `tests/benchmarks/doubt.py`.
"""

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from grapy_cli.labels import LabelSet
from grapy_cli.labels.agreement import together

ROWS_AT_ONCE = 256
"""Rows of the logits whose probabilities are held at one time; bounds the memory."""


def wrong_share(
    wrong: Float[np.ndarray, "h w"], person: Float[np.ndarray, "h w"] | np.ndarray
) -> float:
    """Expect what share of a photo's person is wrong, in [0, 1].

    The wrong pixels, in the background too, are held against those where somebody was found or,
    wrongly, was not: sum(wrong) / sum(person + (1 - person) * wrong). A mean over the photo would
    praise a large background, and a mean over what was found the person that was overlooked. Where
    nobody is found the share is 1: there may be nobody, but nothing says so.

    Args:
        wrong: Probability that a pixel is wrong.
        person: Whether a pixel shows somebody by its parsing, or the share of parsings that say so.
    """
    expected = float(wrong.sum(dtype=np.float64))
    missed = float(((1 - person) * wrong).sum(dtype=np.float64))
    found = float(person.sum(dtype=np.float64))
    # Nobody is found and every pixel is certain: the limit of nobody found and hardly any doubt.
    return expected / (found + missed) if found + missed > 0 else 1.0


def disagreement(
    logits: Sequence[Float[Tensor, "_p u v"]],
    label_sets: Sequence[LabelSet],
    height: int,
    width: int,
) -> Float32[np.ndarray, "{height} {width}"]:
    """Find where the label sets tell different stories about one photo.

    Returns:
        For each pixel of the photo the probability that two parts, each drawn by what its label set
        thinks, cannot be true together; the mean over all pairs of label sets, in [0, 1].
    """
    tables = {
        (one, other): torch.tensor(together(label_sets[one], label_sets[other])).to(logits[one])
        for one, other in combinations(range(len(label_sets)), 2)
    }
    strips = [
        _contradiction([one[:, top : top + ROWS_AT_ONCE].softmax(0) for one in logits], tables)
        for top in range(0, logits[0].shape[1], ROWS_AT_ONCE)
    ]
    small = torch.cat(strips).float().cpu().numpy()
    resized = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.float32).clip(0, 1)


def _contradiction(
    probabilities: Sequence[Float[Tensor, "_p r v"]],
    tables: dict[tuple[int, int], Float[Tensor, "_p _q"]],
) -> Float[Tensor, "r v"]:
    pairs = [
        1 - torch.einsum("pq,prv,qrv->rv", table, probabilities[one], probabilities[other])
        for (one, other), table in tables.items()
    ]
    return torch.stack(pairs).mean(0)
