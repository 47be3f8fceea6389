"""Checkpoints as the reference names them, but of tiny networks, for the importer's tests."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.legacy import KINDS, STEM, rename, rename_legacy
from grapy_cli.model.pyramid import PyramidNumbers
from tests.support.recipe import recipe_state

TINY = NetworkNumbers(width=0.05, features=16, low_level=6)
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
SETS = ("cihp", "pascal", "atr")


def tiny_network(kind: str, datasets: tuple[str, ...]) -> GrapyNet:
    """One of the reference's networks, a few thousand times smaller."""
    pyramid = PyramidNumbers() if kind in ("grapynet", "mutual") else None
    numbers = NetworkNumbers(
        width=TINY.width, features=TINY.features, low_level=TINY.low_level, pyramid=pyramid
    )
    return build_network(numbers, [LABEL_SETS[name] for name in datasets]).eval()


def reference_state(network: GrapyNet, kind: str) -> dict[str, Tensor]:
    """Write a network's tensors as the reference would have saved them."""
    dataset = next(iter(network.label_sets)) if len(network.label_sets) == 1 else ""
    ours = network.state_dict()
    state = {}
    for name in reference_names(kind):
        tensor = ours.get(rename(name, dataset))
        state[name] = torch.zeros(3, 3, 1, 1) if tensor is None else _as_there(name, tensor)
    state |= {name: torch.zeros(3, 3, 1, 1) for name in unused_names(kind)}
    state["xception_features.conv1.weight"] = ours[STEM].flip(1)
    return state


def unused_names(kind: str) -> list[str]:
    """What the checkpoints of a kind carry for nothing."""
    heads = {"grapynet": ["semantic"], "mutual": [f"semantic_aux_{name}" for name in SETS]}
    modules = [*heads[kind], "transform"] if kind in heads else []
    return [f"{module}.{leaf}" for module in modules for leaf in ("weight", "bias")]


def reference_names(kind: str) -> list[str]:
    """The names of everything a kind's forward pass uses."""
    assert kind in {known.name for known in KINDS}
    names = [f"{module}.weight" for module in _convolutions()]
    names += [f"{module}.{leaf}" for module in _norms() for leaf in NORM]
    names += [f"{module}.{leaf}" for module in _heads(kind) for leaf in ("weight", "bias")]
    if kind in ("grapynet", "mutual"):
        blocks = ("1", "2", "3") if kind == "grapynet" else ("1", "2", *(f"_{n}" for n in SETS))
        for block in blocks:
            prefix = f"gcn_network.gcn_block_feature{block}"
            names += [f"{prefix}.{m}.{leaf}" for m in _reasoning() for leaf in ("weight", "bias")]
            names += [f"{prefix}.bn{n}.{leaf}" for n in (1, 2, 3) for leaf in NORM]
        rest = ("fusion.0", "fusion.1", *(f"transform_lv{n}" for n in (1, 2, 3)))
        names += [f"gcn_network.{m}.{leaf}" for m in rest for leaf in ("weight", "bias")]
    return names


def recipe_network(kind: str, datasets: tuple[str, ...], salt: str = "") -> GrapyNet:
    """A tiny network with weights by the recipe, which goes by the reference's names."""
    network = tiny_network(kind, datasets)
    shapes = {name: tuple(value.shape) for name, value in reference_state(network, kind).items()}
    state = {name: torch.tensor(value) for name, value in recipe_state(shapes, salt).items()}
    network.load_state_dict(rename_legacy(state, TINY).tensors)
    return network


def fill_by_recipe(network: nn.Module, salt: str = "") -> None:
    """Give any module weights by the recipe, by our names."""
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    state: dict[str, np.ndarray] = recipe_state(shapes, salt)
    network.load_state_dict({name: torch.tensor(value) for name, value in state.items()})


def _separables() -> Iterator[str]:
    yield from (f"xception_features.block1.rep.{n}" for n in (0, 2, 4))
    yield from (f"xception_features.block2.rep.{n}" for n in (1, 3))
    yield "xception_features.block2.block2_lastconv.1"
    yield from (f"xception_features.block{b}.rep.{n}" for b in range(3, 21) for n in (1, 3, 5))
    yield from (f"xception_features.conv{n}" for n in (3, 4, 5))
    yield from (f"aspp{n}.atrous_convolution" for n in (2, 3, 4))
    yield from (f"decoder.{n}.atrous_convolution" for n in (0, 1))


def _convolutions() -> Iterator[str]:
    yield from ("xception_features.conv1", "xception_features.conv2")
    yield from (f"xception_features.block{n}.skip" for n in (1, 2, 3, 20))
    yield from (f"{name}.{half}wise" for name in _separables() for half in ("depth", "point"))
    yield from ("aspp1.atrous_convolution", "global_avg_pool.1")
    yield from ("concat_projection_conv1", "feature_projection_conv1")


def _norms() -> Iterator[str]:
    yield from ("xception_features.bn1", "xception_features.bn2")
    yield from (f"xception_features.block{n}.skipbn" for n in (1, 2, 3, 20))
    yield from (f"{name}.{half}wise_bn" for name in _separables() for half in ("depth", "point"))
    yield from ("aspp1.bn", "global_avg_pool.2", "concat_projection_bn1", "feature_projection_bn1")


def _heads(kind: str) -> list[str]:
    match kind:
        case "deeplab":
            return ["semantic"]
        case "multi-set":
            return [f"semantic_aux_{name}" for name in SETS]
        case "grapynet":
            return ["gcn_network.sem", "sem2"]
        case _:
            return [f"{head}_{name}" for head in ("gcn_network.sem", "sem2") for name in SETS]


def _reasoning() -> list[str]:
    attention = [f"attn{n}.{what}_conv" for n in (1, 2, 3) for what in ("query", "key", "value")]
    return ["graph_transfer", "graph_transfer_back", *attention]


def _as_there(name: str, tensor: Tensor) -> Tensor:
    """Linear layers are 1x1 convolutions there, over nodes or over pixels."""
    if tensor.dim() != 2:
        return tensor
    return tensor[:, :, None, None] if "transform_lv" in name else tensor[:, :, None]
