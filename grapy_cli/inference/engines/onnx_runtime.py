"""ONNX Runtime runs the file."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num

from grapy_cli.errors import DeviceError
from grapy_cli.inference.engines.runner import Place, Runner

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


def open_onnx(path: Path, place: Place, precision: str) -> Runner:
    """Load an ONNX file; it computes in the precision that it was written for.

    Photos that are in the network at the same time share the session.

    Raises:
        DeviceError: If ONNX Runtime cannot use the device.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = place.threads
    options.log_severity_level = 3  # errors; they come as exceptions as well
    session = onnxruntime.InferenceSession(
        str(path), options, providers=_providers(place, onnxruntime.get_available_providers())
    )

    name = session.get_inputs()[0].name

    def run(photos: Num[np.ndarray, "b 3 h w"]) -> list[np.ndarray]:
        return session.run(None, {name: photos})

    names = [output.name for output in session.get_outputs()]
    return Runner(run, names, f"onnxruntime {onnxruntime.__version__}")


def _providers(place: Place, available: list[str]) -> list[Any]:
    match place.device.type:
        case "cpu":
            return [CPU]
        case "cuda" if CUDA in available:
            return [(CUDA, {"device_id": place.device.index or 0}), CPU]
        case kind:
            raise DeviceError(
                f"this ONNX Runtime cannot use {kind}",
                hint="Use --device cpu; for cuda: pip install onnxruntime-gpu.",
            )
