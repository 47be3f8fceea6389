"""Two training steps give what the reference's two give: losses, gradients, parameters, statistics.

The case named `small/...` travels with the code: the network for three label sets learns one of
them. In float64, because in float32 the gradients of these random networks are mostly rounding.
"""

import copy
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from grapy_cli.labels import IGNORE
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.legacy import STEM, rename
from tests.support import parity

pytestmark = pytest.mark.timeout(600)

CASES = parity.both_sets(
    ("grapynet20_train", "grapynet20", "cihp"),
    ("mutual_pascal_train", "mutual", "pascal"),
)
TAPS = {
    "act/backbone": "deeplab.backbone",
    "act/decoder": "deeplab",
    "act/lv1_nodes_in": "pyramid.reasoning.human:in",
}
cases = pytest.mark.parametrize(("case", "model", "dataset"), CASES)


class TwoSteps(NamedTuple):
    """What two optimizer steps of ours left behind; arrays by our names, one entry per step.

    Arrays are kept where the case has them, as it has them; norms are of all gradients. Nothing
    here keeps the network alive: several of them would be gigabytes.
    """

    losses: list[list[float]]
    norms: dict[str, float | None]
    gradients: dict[str, np.ndarray]
    parameters: list[dict[str, np.ndarray]]
    statistics: dict[str, np.ndarray]
    counters: list[int]
    heard: dict[str, Tensor]


@cache
def two_steps(case: str, model: str, dataset: str) -> TwoSteps:
    """Train as the reference's script: both losses with weight 1, SGD, the same batch twice."""
    arrays, facts = parity.arrays_of(case), parity.facts_of(case)
    images = parity.images_of(arrays).double()
    label_map = torch.from_numpy(arrays["label"])[:, 0].long()
    network = trainable(model)
    optimizer = torch.optim.SGD(
        network.parameters(),
        facts["lr"],
        momentum=facts["momentum"],
        weight_decay=facts["weight_decay"],
    )
    run = TwoSteps([], {}, {}, [], {}, [], {})
    kept = [
        (name, parameter)
        for name, parameter in network.named_parameters()
        if name in recorded(case, "grad/", dataset)
    ]
    with parity.Taps(network, TAPS) as heard:
        for step in range(2):
            optimizer.zero_grad()
            logits = network(images, dataset)
            losses = [F.cross_entropy(each, label_map, ignore_index=IGNORE) for each in logits]
            sum(losses).backward()
            run.losses.append([sum(losses).item(), *(loss.item() for loss in losses)])
            if step == 0:
                taps = heard | {"act/out_main": logits[0], "act/out_aux": logits[1]}
                run.heard.update({name: value.detach() for name, value in taps.items()})
                for name, parameter in network.named_parameters():
                    run.norms[name] = norm_of(parameter.grad)
                run.gradients.update(
                    {name: as_recorded(case, name, parameter.grad) for name, parameter in kept}
                )
                buffers = dict(network.named_buffers())
                run.statistics.update(
                    {
                        name: as_recorded(case, name, buffers[name])
                        for name in recorded(case, "stat/", dataset)
                    }
                )
                run.counters.extend(int(buffers[name]) for name in buffers if "num_batches" in name)
            optimizer.step()
            run.parameters.append({name: as_recorded(case, name, value) for name, value in kept})
    return run


def trainable(model: str) -> GrapyNet:
    """A network of its own in float64."""
    return copy.deepcopy(parity.network_of(model)).double().train()


def norm_of(gradient: Tensor | None) -> float | None:
    return None if gradient is None else gradient.norm().item()


@cache
def recorded(case: str, prefix: str, dataset: str) -> dict[str, np.ndarray]:
    """A group of the case's arrays, by our names."""
    arrays = parity.arrays_of(case)
    return {
        rename(name.removeprefix(prefix), dataset): value
        for name, value in arrays.items()
        if name.startswith(prefix)
    }


def as_recorded(case: str, name: str, value: Tensor) -> np.ndarray:
    """Of large tensors every 64th element is recorded; the reference's stem is BGR."""
    ours = (value.flip(1) if name == STEM else value).detach().numpy()
    kept = parity.thinned(case, ours.ravel()[::64] if value.numel() > 20000 else ours)
    return np.array(kept)  # a view would keep the whole tensor, and change with it


@cases
def test_losses(case, model, dataset, record):
    ours, theirs = two_steps(case, model, dataset).losses, parity.arrays_of(case)["loss"]
    for step, tolerance in enumerate((1e-8, 1e-5)):
        difference = float(np.abs(np.array(ours[step]) / theirs[step] - 1).max())
        record(f"{case} loss {step + 1}", difference)
        assert difference <= tolerance


@cases
def test_activations(case, model, dataset, record):
    arrays, heard = parity.arrays_of(case), two_steps(case, model, dataset).heard
    for name, value in heard.items():
        ours = parity.sliced(case, name, value)
        record(f"{case} {name}", difference := parity.relative_difference(ours, arrays[name]))
        assert difference <= 1e-6, name  # recorded as float32


@cases
def test_gradient_norms(case, model, dataset, record):
    arrays, facts = parity.arrays_of(case), parity.facts_of(case)
    norms = two_steps(case, model, dataset).norms
    zero = {rename(name, dataset) for name in facts["zero_gradient_names"]}
    largest = arrays["grad_norms"].max()
    worst = 0.0
    seen = set()
    for name, theirs in zip(arrays["grad_names"], arrays["grad_norms"], strict=True):
        seen.add(ours := rename(str(name), dataset))
        norm = norms[ours]
        if ours in zero:
            assert max(norm, theirs) <= 1e-9 * largest
        else:
            worst = max(worst, abs(norm / theirs - 1))
    record(f"{case} gradient norms", worst)
    assert worst <= 1e-6
    assert seen == {name for name, norm in norms.items() if norm is not None}


@cases
def test_what_the_batch_does_not_concern_gets_no_gradient(case, model, dataset):
    norms = two_steps(case, model, dataset).norms
    theirs = {rename(str(name), dataset) for name in parity.arrays_of(case)["no_grad_names"]}
    idle = {name for name, norm in norms.items() if norm is None}
    # What the reference has beyond ours it never uses: `transform`, and heads of the pretraining.
    assert idle == theirs & set(norms) - seen_names(case, dataset)


def seen_names(case: str, dataset: str) -> set[str]:
    """Names with a gradient; the unused `semantic` would be renamed to a main head as well."""
    return {rename(str(name), dataset) for name in parity.arrays_of(case)["grad_names"]}


@cases
@pytest.mark.parametrize(
    ("prefix", "tolerance"), [("grad/", 1e-6), ("step1/", 1e-8), ("step2/", 1e-5), ("stat/", 1e-8)]
)
def test_tensors(case, model, dataset, prefix, tolerance, record):
    run = two_steps(case, model, dataset)
    ours = {
        "grad/": run.gradients,
        "step1/": run.parameters[0],
        "step2/": run.parameters[1],
        "stat/": run.statistics,
    }[prefix]
    theirs = recorded(case, prefix, dataset)
    assert theirs
    worst = 0.0
    for name, value in theirs.items():
        difference = parity.relative_difference(ours[name], value)
        worst = max(worst, difference)
        assert difference <= tolerance, name
    record(f"{case} {prefix}", worst)


@cases
def test_counters_do_not_disturb(case, model, dataset):
    """The reference never counts batches; ours does, and nothing reads it."""
    counters = two_steps(case, model, dataset).counters
    assert max(counters) == 1  # those of the other label sets stay 0
