"""Small cases that travel with the code: the reference's pyramid, and our networks of yesterday."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from grapy_cli.inference.tta import TTA, parse_logits
from grapy_cli.labels import PAPER_SETS, PASCAL
from grapy_cli.model import fused
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.legacy import rename
from grapy_cli.model.pyramid import GraphPyramid, PyramidNumbers
from tests.support import parity
from tests.support.golden import check_golden, read_golden
from tests.support.recipe import recipe_state
from tests.support.reference import fill_by_recipe, recipe_network, reference_names

REFERENCE = "reference_pyramid"
PAPER_NAMES = tuple(labels.name for labels in PAPER_SETS)


@pytest.mark.parametrize("how", ["plain", "fused"])
def test_pyramid_is_the_reference_s(how):
    """Features at random: spread, one area that covers all, and two areas."""
    golden = read_golden(REFERENCE)
    pyramid = reference_pyramid()
    refine = pyramid if how == "plain" else partial(fused.refine, pyramid)
    features, label_map = (torch.from_numpy(golden[name]) for name in ("features", "mask"))
    with torch.inference_mode():
        refined = refine(features, label_map.long(), "pascal")
    theirs = golden["fusion"]
    assert parity.relative_difference(refined[:, ::8], theirs) < 1e-5


@parity.needs_parity
def test_small_case_is_a_part_of_the_whole():
    arrays, golden = parity.arrays_of("gpm_unit7_eval"), read_golden(REFERENCE)
    assert (arrays["features"][:3] == golden["features"]).all()
    assert (arrays["mask"][:3] == golden["mask"]).all()
    assert (arrays["fusion"][:3, ::8] == golden["fusion"]).all()


def reference_pyramid() -> GraphPyramid:
    """The paper's pyramid for PASCAL with weights by the recipe."""
    pyramid = GraphPyramid([PASCAL], 256, PyramidNumbers())
    ours = pyramid.state_dict()
    names = {
        name: rename(name, "pascal").removeprefix("pyramid.")
        for name in reference_names("grapynet")
        if name.startswith("gcn_network.")
    }
    shapes = {name: tuple(ours[new].shape) for name, new in names.items() if new in ours}
    state = {names[name]: torch.tensor(value) for name, value in recipe_state(shapes).items()}
    pyramid.load_state_dict(state)
    return pyramid.eval()


def gradient_images() -> Tensor:
    """Two synthetic images in float64: colors that run across, and the same upside down."""
    rows, columns = np.mgrid[-1:1:33j, -1:1:41j]
    image = np.stack([rows, columns, np.sin(7 * rows * columns)])
    return torch.from_numpy(np.stack([image, image[:, ::-1]]))


def all_logits(network: torch.nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The logits of every label set at the size of the features."""
    with torch.inference_mode():
        features = network.double().encode(images)
        parsed = {name: network.parse(features, name) for name in network.label_sets}
    named = {
        f"{name}_{which}": logits
        for name, parsing in parsed.items()
        for which, logits in parsing._asdict().items()
        if logits is not None
    }
    return {name: logits[:, :, ::2, ::2] for name, logits in named.items()}


@pytest.mark.parametrize(
    ("kind", "datasets"),
    [("deeplab", ("atr",)), ("grapynet", ("cihp",)), ("mutual", PAPER_NAMES)],
)
def test_xception_networks(kind, datasets):
    network = recipe_network(kind, datasets, salt="3")  # its first parsings have several parts
    check_golden(all_logits(network, gradient_images()), f"xception_{kind}")


@pytest.mark.parametrize(
    ("pooling", "reasoning"), [("both", "attention"), ("mean", "convolution"), ("max", "attention")]
)
def test_efficientnet_networks(pooling, reasoning):
    pyramid = PyramidNumbers(levels="1-2-3", pooling=pooling, reasoning=reasoning)
    numbers = NetworkNumbers(
        "efficientnet_lite0",
        width=0.2,
        features=16,
        low_level=6,
        pyramid=pyramid,
        exact_dilation=False,  # as in weights from before there was a choice
    )
    network = build_network(numbers, list(PAPER_SETS)).eval()
    fill_by_recipe(network, salt="38")
    check_golden(all_logits(network, gradient_images()), f"efficientnet_{pooling}_{reasoning}")


def test_augmented_logits():
    photo = ((gradient_images()[0].numpy().transpose(1, 2, 0) + 1) * 127.5).astype(np.uint8)
    network = recipe_network("mutual", PAPER_NAMES, salt="3").double()
    logits = parse_logits(network, photo, ["pascal"], TTA["paper"])["pascal"]
    check_golden({"logits": logits[:, ::3, ::3]}, "augmented")
