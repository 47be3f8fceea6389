"""MoveNet's encoders: the published features, and the same ones at every output stride."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.movenet import MoveNetMultiPose, MoveNetThunder, encoder_tensors
from grapy_cli.train.init_weights import init_network
from tests.support.golden import check_golden
from tests.support.reference import fill_by_recipe

ENCODERS = Path(__file__).parents[4] / "shared" / "data" / "encoder"
THUNDER = ENCODERS / "movenet_thunder_encoder_fp16.safetensors"
MULTIPOSE = ENCODERS / "movenet_multipose_encoder_fp16.safetensors"
needs_encoders = pytest.mark.skipif(
    not ENCODERS.is_dir(), reason=f"{ENCODERS} holds the published encoders, and is not here"
)


def published(build, file, **how):
    backbone = build(**how).eval()
    tensors = {key: tensor.float() for key, tensor in load_file(file).items()}
    backbone.load_state_dict(encoder_tensors(tensors))
    return backbone


@needs_encoders
@pytest.mark.parametrize(("stride", "name"), [(32, "symmetric"), (16, "symmetric_os16")])
def test_features_are_those_of_the_published_network(stride, name):
    reference = np.load(ENCODERS / "movenet_thunder_reference.npz")
    images = torch.from_numpy(reference["193x161/input"])
    with torch.inference_mode():
        features = published(MoveNetThunder, THUNDER, output_stride=stride)(images)
    if stride == 16:
        theirs = {"dilated16_block16": features.deep}
    else:
        theirs = {
            "stride4_block2": features.low_level,
            "stride8_block5": features.middle[8],
            "stride16_block12": features.middle[16],
            "stride32_block16": features.deep,
        }
    for key, ours in theirs.items():
        difference = np.abs(ours.numpy() - reference[f"193x161/{name}/{key}"]).max()
        assert difference <= 1e-4, key


@needs_encoders
def test_multipose_fits_its_file():
    published(MoveNetMultiPose, MULTIPOSE)


@needs_encoders
def test_init_takes_the_published_file():
    numbers = NetworkNumbers("movenet_multipose", 32, features=8, low_level=4, pyramid=None)
    network = build_network(numbers, [LABEL_SETS["pascal"]])
    assert "deeplab.backbone" not in init_network(network, MULTIPOSE)
    expected = load_file(MULTIPOSE)["encoder.blocks.16.project.conv.weight"].float()
    assert network.deeplab.backbone.blocks[16].project.conv.weight.equal(expected)


def test_features_are_those_of_yesterday():
    backbone = MoveNetThunder(width=0.1).eval()
    fill_by_recipe(backbone)
    images = torch.linspace(-1, 1, 3 * 33 * 65).reshape(1, 3, 33, 65)
    with torch.inference_mode():
        features = backbone(images)
    check_golden(
        {
            "deep": features.deep,
            "low_level": features.low_level,
            "stride8": features.middle[8],
            "stride16": features.middle[16],
        },
        "movenet",
    )
