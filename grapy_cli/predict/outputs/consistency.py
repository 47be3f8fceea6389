"""Compare the label sets on one photo: where they contradict each other, one is wrong."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32
from PIL import Image
from torch import Tensor

from grapy_cli.inference.doubt import wrong_share
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels.agreement import together
from grapy_cli.predict.outputs.remap import Layer
from grapy_cli.predict.outputs.writers import save_picture

ROWS_AT_ONCE = 256
"""Rows of the logits whose probabilities are held at one time; this bounds the memory."""

Tables = Mapping[tuple[int, int], Float[Tensor, "_p _q"]]


def disagreement(parsings: Sequence[Parsing]) -> Float32[np.ndarray, "u v"]:
    """Find where the parsings of one photo contradict each other, at the size of their logits.

    For each point the probability that two parts, each drawn from the probabilities of its label
    set, cannot be true together; the mean over all pairs of label sets, in [0, 1].
    """
    logits = [parsing.logits for parsing in parsings]
    tables = {
        (one, other): torch.tensor(together(parsings[one].label_set, parsings[other].label_set)).to(
            logits[one]
        )
        for one, other in combinations(range(len(parsings)), 2)
    }
    strips = [
        _contradiction([one[:, top : top + ROWS_AT_ONCE].softmax(0) for one in logits], tables)
        for top in range(0, logits[0].shape[1], ROWS_AT_ONCE)
    ]
    return np.asarray(torch.cat(strips).float().cpu().numpy().clip(0, 1))


def disagreement_share(parsings: Sequence[Parsing]) -> float:
    """Return the share of the person on which the parsings contradict each other, in [0, 1].

    As `wrong_share`; a point belongs to the person by the share of label sets that say so.
    """
    person = torch.stack([parsing.logits.argmax(0) > 0 for parsing in parsings]).float().mean(0)
    return wrong_share(1 - disagreement(parsings), person.cpu().numpy())


def write_disagreement(layer: Layer, path: Path) -> None:
    """Write contradictions as gray: 255 where no two label sets can be right together."""
    found = disagreement(list(layer.parsings.values()))
    height, width = layer.label_map.shape
    resized = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    save_picture(Image.fromarray((resized * 255).round().astype(np.uint8)), path)


def _contradiction(
    probabilities: Sequence[Float[Tensor, "_p r v"]], tables: Tables
) -> Float[Tensor, "r v"]:
    pairs = [
        1 - torch.einsum("pq,prv,qrv->rv", table, probabilities[one], probabilities[other])
        for (one, other), table in tables.items()
    ]
    return torch.stack(pairs).mean(0)
