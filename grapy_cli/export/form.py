"""The network as one function from bytes to logits, and its ONNX file."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from grapy_cli.data.sample import images_of
from grapy_cli.model.exported.metadata import PHOTOS
from grapy_cli.model.grapy import GrapyNet

OPSET = 18
"""Version of the ONNX operators: the first that can scatter with a maximum."""
FEATURES = "features"
"""The output that all label sets share; the last one computed in a lower precision."""
_TRACED = (2, 3, 97, 129)  # sizes that differ from each other and from those of all layers


class ExportForm(nn.Module):
    """Turns RGB bytes into the features and the logits of each label set, at stride 4.

    Args:
        network: Folded for inference.
    """

    def __init__(self, network: GrapyNet, datasets: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.datasets = tuple(datasets)

    def forward(self, photos: UInt8[Tensor, "b 3 h w"]) -> tuple[Float[Tensor, "b _c h4 w4"], ...]:
        """Parse photos with every label set."""
        features = self.network.encode(images_of(photos))
        parsings = (self.network.parse(features, dataset) for dataset in self.datasets)
        return features, *(parsing.final for parsing in parsings)


@torch.no_grad()
def write_onnx(form: ExportForm, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the network as one ONNX file with weights and metadata, for any batch and size."""
    import onnx

    size = torch.export.Dim.DYNAMIC
    with quiet():
        program = torch.onnx.export(
            form.eval(),
            (torch.zeros(_TRACED, dtype=torch.uint8),),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[PHOTOS],
            output_names=[FEATURES, *form.datasets],
            dynamic_shapes={PHOTOS: {0: size, 2: size, 3: size}},
        )
    assert program is not None
    model = program.model_proto
    _tidy(model.graph)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.save_model(model, str(path))


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the output of the tools that convert networks; the result is checked later."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _tidy(graph: Any) -> None:  # noqa: ANN401 - onnx is an extra
    """Remove the features from the outputs, and paths of our source code from the file."""
    kept = [output for output in graph.output if output.name != FEATURES]
    del graph.output[:]
    graph.output.extend(kept)
    for one in (*graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info):
        del one.metadata_props[:]
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}-{number}"
        node.doc_string = ""
