"""What only a CUDA card can show: `pytest -m gpu` on a machine that has one."""

import numpy as np
import pytest
import torch

from grapy_cli.predict.parser import HumanParser
from tests.support.networks import write_weights
from tests.support.training import tensors_of, train

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


def test_parsing_on_a_card_gives_the_same_mask(tmp_path):
    weights = write_weights(tmp_path / "tiny.safetensors")
    photo = np.random.default_rng(0).integers(0, 256, (97, 65, 3), np.uint8)
    ours, theirs = (
        HumanParser.load(weights, device=device).parse(photo, "atr").label_map
        for device in ("cpu", "cuda")
    )
    assert (ours == theirs).mean() > 0.99
