"""What only a CUDA card can show: `pytest -m gpu` on a machine that has one."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from grapy_cli.inference.parser import HumanParser
from tests.support.command_line import plain_environment
from tests.support.networks import write_weights
from tests.support.training import RECIPE, job_of, resume, steps_of, tensors_of, train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]


def test_training_on_a_card_starts_like_on_the_cpu(data, tmp_path):
    for device in ("cpu", "cuda"):
        train(data__root=data, run__device=device, train__out=tmp_path / device)
    ours, theirs = tensors_of(tmp_path / "cpu"), tensors_of(tmp_path / "cuda")
    for name in ours:
        assert np.allclose(ours[name], theirs[name], rtol=0.1, atol=1e-2), name


@pytest.mark.parametrize("kind", ["bf16", "fp16"])
def test_half_precision_learns_nearly_the_same_on_a_card(data, kind):
    where = {"data__root": data, "run__device": "cuda", "train__batch_size": 4}
    exact, rough = (job_of(f"train.precision={name}", **where) for name in ("fp32", kind))
    for ours, theirs in zip(steps_of(exact, 3), steps_of(rough, 3), strict=True):
        assert ours == pytest.approx(theirs, rel=0.1)


def test_a_run_in_fp16_resumes_exactly(data, tmp_path):
    where = {"data__root": data, "run__device": "cuda", "data__dataset": "pascal"}
    fp16 = "train.precision=fp16"
    train(fp16, "train.schedule.power=0", **where, train__epochs=4, train__out=tmp_path / "four")
    train(fp16, "train.schedule.power=0", **where, train__epochs=2, train__out=tmp_path / "two")
    resume(tmp_path / "two", "train.epochs=4")
    ours, theirs = tensors_of(tmp_path / "four"), tensors_of(tmp_path / "two")
    assert ours["state/scaler/scale"] == theirs["state/scaler/scale"]
    for name in ours:
        assert np.allclose(ours[name], theirs[name], rtol=0.05, atol=1e-2), name


@pytest.mark.timeout(600)
def test_compiling_changes_little(data, tmp_path):
    """In a process of its own: dynamo cannot look through the tests' shape checker."""
    command = [sys.executable, "-m", "grapy_cli", "train", "--config", str(RECIPE)]
    command += ["--data", str(data), "--dataset", "atr", "--device", "cuda", "--epochs", "1"]
    for name, more in (("plain", []), ("compiled", ["--compile"])):
        subprocess.run(
            [*command, "--out", str(tmp_path / name), *more], env=plain_environment(), check=True
        )
    ours, theirs = tensors_of(tmp_path / "plain"), tensors_of(tmp_path / "compiled")
    for name in ours:
        assert np.allclose(ours[name], theirs[name], rtol=0.1, atol=1e-2), name


def test_parsing_on_a_card_gives_the_same_mask(tmp_path):
    weights = write_weights(tmp_path / "tiny.safetensors")
    photo = np.random.default_rng(0).integers(0, 256, (97, 65, 3), np.uint8)
    ours, theirs = (
        HumanParser.load(weights, device=device).parse(photo, "atr").label_map
        for device in ("cpu", "cuda")
    )
    assert (ours == theirs).mean() > 0.99
