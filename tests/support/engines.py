"""A network in an ONNX file that no torch wrote: one convolution, so that it is made at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.exported.metadata import PHOTOS, PRECISION_KEY
from grapy_cli.model.weights import CARD_KEY, WeightsCard

NAMES = ("pascal", "atr")


def card(datasets: Sequence[str] = NAMES) -> WeightsCard:
    return WeightsCard(
        name="flat",
        grapy="0.1.0",
        numbers={"backbone": "efficientnet_lite0"},
        label_sets=[LABEL_SETS[name].to_dict() for name in datasets],
        stage="joint",
        longest_side=65,
    )


def matrix(dataset: str) -> np.ndarray:
    """How much each part likes each color."""
    shape = (LABEL_SETS[dataset].num_parts, 3, 1, 1)
    return np.random.default_rng(len(dataset)).normal(size=shape).astype(np.float32)


def flat_model(
    datasets: Sequence[str] = NAMES, metadata: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """Logits of every fourth pixel, from its color alone."""
    nodes = [helper.make_node("Cast", [PHOTOS], ["colors"], to=TensorProto.FLOAT)]
    nodes += [
        helper.make_node("Conv", ["colors", f"{name}-matrix"], [name], strides=[4, 4])
        for name in datasets
    ]
    graph = helper.make_graph(
        nodes,
        "flat",
        [helper.make_tensor_value_info(PHOTOS, TensorProto.UINT8, ["b", 3, "h", "w"])],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, ["b", LABEL_SETS[name].num_parts, "u", "v"]
            )
            for name in datasets
        ],
        [numpy_helper.from_array(matrix(name), f"{name}-matrix") for name in datasets],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if metadata is None:
        metadata = {CARD_KEY: card(datasets).model_dump_json(), PRECISION_KEY: "fp32"}
    helper.set_model_props(model, dict(metadata))
    return model


def write_flat_onnx(path: Path, datasets: Sequence[str] = NAMES) -> Path:
    onnx.save_model(flat_model(datasets), str(path))
    return path


def flat_logits(photos: np.ndarray, dataset: str) -> np.ndarray:
    """What the file says of photos `b 3 h w`, by numpy."""
    return np.einsum("pc,bchw->bphw", matrix(dataset)[..., 0, 0], photos[..., ::4, ::4])
