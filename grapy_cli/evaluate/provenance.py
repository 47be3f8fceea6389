"""The facts that make a score reproducible: what was measured, and how."""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch

from grapy_cli import __version__
from grapy_cli.evaluate.evaluator import digest_of
from grapy_cli.inference.parser import HumanParser
from grapy_cli.labels import LabelSet
from grapy_cli.model.weights import WeightsCard, weights_digest

_DTYPES = {"fp32": "float32", "bf16": "bfloat16"}


def versions() -> dict[str, str]:
    """Return the versions of the software."""
    return {
        "grapy": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "python": platform.python_version(),
    }


def device_facts(parser: HumanParser) -> dict[str, Any]:
    """Return engine, kind of device and precision.

    The number of CPU threads is not among them. Each photo of a list is parsed by one thread, so
    that number changes nothing.
    """
    return {
        "engine": parser.engine,
        "device": parser.device.type,
        "precision": _DTYPES.get(parser.precision, parser.precision),
    }


def parser_digest(parser: HumanParser, weights: str, tta: str) -> str:
    """Return a digest of everything that a parsing depends on apart from the photo.

    Args:
        weights: The sha256 of its weights file.
    """
    facts = {**device_facts(parser), **versions()}
    reading = parser.longest_side, parser.reduced_jpeg
    return digest_of(weights, tta, reading, parser.tiles.side, facts)


def data_facts(
    keys: Mapping[str, Sequence[str]], label_sets: Mapping[str, LabelSet]
) -> dict[str, dict[str, Any]]:
    """Return the digest and the length of each data set's list, and the digest of its parts.

    A list is digested as text, one key a line.
    """
    return {
        name: {
            "list_sha256": hashlib.sha256(
                "".join(f"{key}\n" for key in keys[name]).encode()
            ).hexdigest(),
            "listed": len(keys[name]),
            "label_set": labels.digest,
        }
        for name, labels in label_sets.items()
    }


def weights_facts(path: Path, card: WeightsCard | None) -> dict[str, Any]:
    """Return which weights these are, and what their card says."""
    facts = {"name": card.name if card else None, "file": path.name, "sha256": weights_digest(path)}
    return facts | ({"card": _card_facts(card)} if card else {})


def _card_facts(card: WeightsCard) -> dict[str, Any]:
    keys = ("dataset", "split", "level", "photos", "mean_iou")
    return {
        "grapy": card.grapy,
        "stage": card.stage,
        "step": card.step,
        "trained_on": card.trained_on,
        "scores": [{key: score.get(key) for key in keys} for score in card.scores],
    }
