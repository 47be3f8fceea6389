"""Outputs of the reference implementation, and our networks with the weights that gave them.

A small set travels with the code, in `tests/golden/data/reference`; its cases are `small/...`. The
larger set that it was taken from is optional: it lies beside the clone. All numbers are float32
outputs of the official Grapy-ML code (commit 664f59b) on a CPU; those of training are float64. The
photos are crops of at most 161 pixels from PASCAL VOC, in training also from CIHP and ATR.
"""

import copy
import gzip
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
SMALL = Path(__file__).parents[1] / "golden" / "data" / "reference"
SMALL_CASES = (
    "deeplab18_eval",
    "gpm_unit20_train",
    "grapynet20_eval",
    "msflip_mutual_pascal",
    "multiset_atr_eval",
    "multiset_cihp_eval",
    "mutual_atr_eval",
    "mutual_pascal_train",
)
needs_parity = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the larger set of the reference's outputs (../shared/parity) is not here",
)
MODELS = ("deeplab18", "multiset", "grapynet20", "grapynet7", "mutual")


def both_sets(*cases: tuple[Any, ...]) -> list[Any]:
    """Parameters of a test: each case from the larger set, and from the small one if it is there.

    The first value of a case is its name.
    """
    small = [(f"small/{name}", *rest) for name, *rest in cases if name in SMALL_CASES]
    return [*small, *(pytest.param(*case, marks=needs_parity) for case in cases)]


@cache
def manifest(model: str) -> dict[str, Any]:
    """`shapes` of the reference's tensors in order, and `digest` of their recipe values."""
    return json.loads(gzip.decompress((SMALL / "manifests.json.gz").read_bytes()))[model]


def recipe_of(model: str) -> dict[str, np.ndarray]:
    """The reference's state dict of a model, by the recipe."""
    return recipe_state({key: tuple(shape) for key, shape in manifest(model)["shapes"].items()})


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
    file = _file_of(case)
    return json.loads((file.parent / "index.json").read_text())[file.name]


def arrays_of(case: str) -> Mapping[str, np.ndarray]:
    """The arrays of a case."""
    with np.load(_file_of(case)) as file:
        return dict(file)


def _file_of(case: str) -> Path:
    name = case.removeprefix("small/")
    return (FOLDER / "dev" if name == case else SMALL) / f"{name}.npz"


def images_of(arrays: Mapping[str, np.ndarray]) -> Tensor:
    """A case's input in the form of our networks: the reference's is BGR, ours RGB."""
    images = torch.from_numpy(arrays["input"])
    if images.dtype == torch.uint8:  # the small set keeps pixels; this gives the same floats
        images = images.float() * 2 / 255 - 1
    return images.flip(1)


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
    """Take the elements of a value that the case keeps."""
    kept = facts_of(case).get("slices", {}).get(name)
    return thinned(case, value.detach().numpy()[_SLICES[kept] if kept else ...])


_STEPS = (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 43, 53, 67, 83, 101, 127, 151, 181)
_MOST = 1500


def thinned(case: str, array: np.ndarray) -> np.ndarray:
    """Take every n-th element of a large array, where the case is of the small set.

    Steps are prime, so that every row, column and channel keeps some elements.
    """
    if not case.startswith("small/") or array.size <= _MOST:
        return array
    step = next(step for step in _STEPS if array.size <= step * _MOST)
    return array.ravel()[::step]


def relative_difference(ours: np.ndarray | Tensor, theirs: np.ndarray | Tensor) -> float:
    """The largest absolute difference as a share of the largest absolute value."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def clear(logits: np.ndarray, margin: float = 1e-3) -> np.ndarray:
    """The pixels whose best part leads by more than `margin`; parts are on axis -3."""
    best, second = np.sort(logits, -3)[..., :-3:-1, :, :].swapaxes(0, -3)
    return best - second > margin
