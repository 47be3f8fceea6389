"""How much of a parsing is likely wrong, told without knowing the truth.

`doubt` ranks photos by what they need: somebody to look at them. It and everything it was measured
against come from `tests/benchmarks/doubt.py`.
"""

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Num
from torch import Tensor

from grapy_cli.labels import LabelSet
from grapy_cli.labels.agreement import together

ROWS_AT_ONCE = 256
"""Rows of the logits whose probabilities are held at one time; bounds the memory."""


def wrong_share(
    trust: Float[np.ndarray, "h w"], person: Num[np.ndarray, "h w"] | Bool[np.ndarray, "h w"]
) -> float:
    """Expect what share of a photo's person is wrong, in [0, 1].

    The pixels expected to be wrong, wherever they are, over those and the person's that are
    expected to be right. A mean over the photo would praise a large background, and one over what
    was found the person that was overlooked. Where nobody is found the share is 1: there may be
    nobody, but nothing says so.

    Args:
        trust: Probability that a pixel is right.
        person: Whether a pixel shows somebody by its parsing, or the share of parsings that say so.
    """
    wrong = trust.size - float(trust.sum(dtype=np.float64))
    right = float(np.einsum("hw,hw->", person, trust, dtype=np.float64, casting="unsafe"))
    return wrong / (wrong + right) if wrong + right > 0 else 1.0


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
