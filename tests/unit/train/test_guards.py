import numpy as np
import pytest
import torch

from grapy_cli.errors import DeviceError
from grapy_cli.train.guards import NotFinite, enough_memory, lighter

CPU = torch.device("cpu")
PLAIN = {"accumulate": 1, "precision": "fp32", "crop": (512, 512), "on_gpu": True}


@pytest.mark.parametrize(
    ("photos", "changed", "said", "unsaid"),
    [
        (10, {}, "train.accumulate=2 keeps the batch and takes about 1/2", None),
        (5, {"accumulate": 2}, "--crop 352,352", "accumulate"),
        (9, {}, "train.accumulate=3 keeps the batch and takes about 1/3", None),
        (4, {"accumulate": 3}, "train.accumulate=6", None),
        (2, {}, "train.precision=bf16", "accumulate"),
        (2, {"precision": "bf16"}, "--crop 352,352", "precision"),
        (2, {"on_gpu": False}, "--crop 352,352", "precision"),
        (2, {"crop": (65, 513)}, "--crop 33,353", None),
    ],
)
def test_what_to_lower(photos, changed, said, unsaid):
    advice = lighter(photos, **(PLAIN | changed))
    assert said in advice
    assert unsaid is None or unsaid not in advice


@pytest.mark.parametrize(
    "lack",
    [
        lambda: torch.empty(2**60, dtype=torch.uint8),
        lambda: np.empty(2**60, np.uint8),
    ],
)
def test_a_lack_of_memory_says_what_did_not_fit_and_what_to_lower(lack):
    with pytest.raises(DeviceError) as caught, enough_memory(CPU, "a step", lambda: "lower it"):
        lack()
    assert caught.value.message == "cpu does not have enough memory for a step"
    assert caught.value.hint == "lower it"


@pytest.mark.parametrize("error", [RuntimeError("shapes"), DeviceError("out of memory: said")])
def test_other_errors_pass(error):
    with pytest.raises(RuntimeError) as caught, enough_memory(CPU, "a step", str):
        raise error
    assert caught.value is error


def test_infinite_losses_can_be_written_as_json():
    error = NotFinite("x", {"a": 1.5, "b": float("nan"), "c": float("-inf")})
    assert error.losses == {"a": 1.5, "b": "nan", "c": "-inf"}
