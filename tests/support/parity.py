"""Outputs of the reference implementation, and our networks with the weights that gave them."""

import copy
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grapy_cli.inference.fold import fold_for_inference
from grapy_cli.model.grapy import GrapyNet, build_network
from grapy_cli.model.legacy import LegacyNetwork, rename_legacy
from tests.support.recipe import recipe_state

FOLDER = Path(__file__).parents[3] / "shared" / "parity"
needs_parity = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the reference's outputs (../shared/parity) are not here"
)
MODELS = ("deeplab18", "multiset", "grapynet20", "grapynet7", "mutual")


@cache
def manifest(model: str) -> dict[str, Any]:
    """The reference's tensors in order, and the digest of their recipe values."""
    return json.loads((FOLDER / f"manifest_{model}.json").read_text())


def recipe_of(model: str) -> dict[str, np.ndarray]:
    """The reference's state dict of a model, by the recipe."""
    return recipe_state({e["key"]: tuple(e["shape"]) for e in manifest(model)["entries"]})


def legacy_of(model: str) -> LegacyNetwork:
    """A model's recipe weights as the importer gives them."""
    return rename_legacy({name: torch.tensor(value) for name, value in recipe_of(model).items()})


@cache
def network_of(model: str) -> GrapyNet:
    """Our network with a model's recipe weights, in evaluation mode; not to be changed."""
    legacy = legacy_of(model)
    with torch.device("meta"):
        network = build_network(legacy.numbers, legacy.label_sets)
    network.load_state_dict(legacy.tensors, assign=True)
    return network.eval()


@lru_cache(maxsize=1)  # all of them would be gigabytes
def folded_of(model: str) -> GrapyNet:
    """The same in the form it parses with."""
    return fold_for_inference(copy.deepcopy(network_of(model)))


@cache
def facts_of(case: str) -> dict[str, Any]:
    """What is written about a case."""
    return json.loads((FOLDER / "dev" / "index.json").read_text())[f"{case}.npz"]


def arrays_of(case: str) -> Mapping[str, np.ndarray]:
    """The arrays of a case."""
    with np.load(FOLDER / "dev" / f"{case}.npz") as file:
        return dict(file)


def images_of(arrays: Mapping[str, np.ndarray]) -> Tensor:
    """A case's input as our networks eat it: the reference's is BGR, ours RGB."""
    return torch.from_numpy(arrays["input"]).flip(1)


class Taps:
    """Listens to what modules give while a network runs.

    A name is a module's path; `path:in` is its input. Of several outputs the first is kept, or the
    one after the colon (`path:1`).
    """

    def __init__(self, network: nn.Module, names: Mapping[str, str]) -> None:
        self.heard: dict[str, Tensor] = {}
        self.hooks = [self._listen(network, name, path) for name, path in names.items()]

    def _listen(self, network: nn.Module, name: str, path: str) -> Any:
        path, _, what = path.partition(":")

        def hear(_: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
            if what == "in":
                output = inputs
            self.heard[name] = (
                output[int(what) if what.isdigit() else 0]
                if (isinstance(output, tuple))
                else output
            )

        return network.get_submodule(path).register_forward_hook(hear)

    def __enter__(self) -> dict[str, Tensor]:
        return self.heard

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()


_SLICES = {
    f"[{before}, ::{step}]": (*index, slice(None, None, step))
    for before, index in ((":", (slice(None),)), ("...", (...,)))
    for step in (2, 3, 16, 32, 64)
} | {
    f"[{before}, ::{step}, ::{step}]": (*index, slice(None, None, step), slice(None, None, step))
    for before, index in ((":", (slice(None),)), ("...", (...,)))
    for step in (2, 3, 16)
}


def sliced(case: str, name: str, value: Tensor) -> np.ndarray:
    """Take of a value what the case keeps of it."""
    kept = facts_of(case).get("slices", {}).get(name)
    return value.detach().numpy()[_SLICES[kept] if kept else ...]


def relative_difference(ours: np.ndarray | Tensor, theirs: np.ndarray | Tensor) -> float:
    """The largest absolute difference as a share of the largest absolute value."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def clear(logits: np.ndarray, margin: float = 1e-3) -> np.ndarray:
    """The pixels whose best part leads by more than `margin`; parts are on axis -3."""
    best, second = np.sort(logits, -3)[..., :-3:-1, :, :].swapaxes(0, -3)
    return best - second > margin
