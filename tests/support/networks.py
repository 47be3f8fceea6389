"""Networks of a few thousand parameters, and weights files of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers
from grapy_cli.model.weights import card_of, save_weights
from tests.support.reference import fill_by_recipe

TINY = {"backbone": "efficientnet_lite0", "width": 0.1, "features": 8, "low_level": 4}


def tiny_network(datasets: Sequence[str], *, answer: int | None = None) -> GrapyNet:
    """A network of these label sets, in evaluation mode, the same on every call.

    Args:
        datasets: Names of label sets.
        answer: The part it finds at every pixel, quite certain; by default it looks at the photo.
    """
    torch.manual_seed(0)
    pyramid = PyramidNumbers(rounds=1) if answer is None else None
    numbers = NetworkNumbers(**TINY, pyramid=pyramid)
    network = build_network(numbers, [LABEL_SETS[name] for name in datasets]).eval()
    with torch.no_grad():
        for name in datasets:
            if answer is None:
                _sharpen(network, name)
            else:
                network.main_heads[name].weight.zero_()
                network.main_heads[name].bias.zero_()[answer] = 50
    return network


def _sharpen(network: GrapyNet, dataset: str) -> None:
    """Scale a head so that each part's logits vary: those of a fresh network hardly do."""
    features = network.encode(torch.rand(1, 3, 64, 64) * 2 - 1)
    spread, mean = torch.std_mean(network.parse(features, dataset).refined, (0, 2, 3))
    head = network.refined_heads[dataset]
    head.weight *= (5 / spread)[:, None, None, None]
    head.bias.sub_(mean).mul_(5 / spread)


def write_weights(
    path: Path,
    datasets: Sequence[str] = ("pascal", "atr"),
    *,
    answer: int | None = None,
    **facts: Any,
) -> Path:
    """Write a weights file of a tiny network; `facts` go to its card."""
    network = tiny_network(datasets, answer=answer)
    card = card_of(network, name="tiny", grapy="0.1.0", stage="joint", **facts)
    save_weights(path, network.state_dict(), card)
    return path


def write_decided_weights(path: Path, datasets: Sequence[str] = ("pascal", "atr")) -> Path:
    """Weights as clear as trained ones: where parts are nearly equal, the last digit decides."""
    numbers = NetworkNumbers(**TINY, pyramid=PyramidNumbers(rounds=1))
    network = build_network(numbers, [LABEL_SETS[name] for name in datasets]).eval()
    fill_by_recipe(network)
    card = card_of(network, name="tiny", grapy="0.1.0", stage="joint", longest_side=65)
    save_weights(path, network.state_dict(), card)
    return path
