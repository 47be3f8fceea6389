"""Quantize the features to 8-bit integers: photos show the range of each value."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from grapy_cli.export.form import FEATURES, quiet
from grapy_cli.model.exported.metadata import PHOTOS

ROUNDED = ("Conv", "Clip", "Relu", "Add", "Concat", "Resize")
"""Operations in integers. With convolutions alone, values would be rounded after each of them: that
changes 3 % of the pixels of `grapy-lite-ccp`, and all of these only half a percent."""

Photo = UInt8[np.ndarray, "3 _h _w"]  # of any size


def quantize(path: Path, photos: Sequence[Photo]) -> None:
    """Rewrite an ONNX file so that its features are computed in integers.

    Weights are rounded by channel, values by their smallest and largest value on the photos. Heads
    and pyramid keep their precision.

    Args:
        path: A file of fp32, which is replaced.
        photos: Photos at the size for the network, as varied as those to parse later.
    """
    with quiet():
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

        class Shown(CalibrationDataReader):  # type: ignore[misc] # untyped
            def __init__(self) -> None:
                self.left: Iterator[Photo] = iter(photos)

            def get_next(self) -> dict[str, np.ndarray] | None:
                photo = next(self.left, None)
                return None if photo is None else {PHOTOS: photo[None]}

        model = onnx.load(str(path))
        metadata = {one.key: one.value for one in model.metadata_props}
        quantize_static(
            model,
            str(path),
            Shown(),
            op_types_to_quantize=list(ROUNDED),
            nodes_to_quantize=leading_to(model.graph, FEATURES),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        model = onnx.load(str(path))
        onnx.helper.set_model_props(model, metadata)
        onnx.save_model(model, str(path))


def leading_to(graph: Any, name: str) -> list[str]:  # noqa: ANN401 - onnx is an extra
    """List the operations that a value depends on; a graph has them in order."""
    needed, found = {name}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            found.append(node.name)
    return found
