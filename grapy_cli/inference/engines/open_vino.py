"""OpenVINO runs the file."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock, local
from typing import Any

import numpy as np
from jaxtyping import UInt8

from grapy_cli.errors import DeviceError
from grapy_cli.inference.engines.runner import Place, Runner
from grapy_cli.model.exported.metadata import PHOTOS

ARITHMETIC: Mapping[str, str] = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""OpenVINO's name for the precision of operations; int8 ones are marked in the file."""


def open_openvino(path: Path, place: Place, precision: str) -> Runner:
    """Load an OpenVINO file for the CPU; bf16 is set here, because the file does not hold it.

    Photos that are in the network at the same time have a stream each, and share the weights. The
    network is compiled when it first runs, since that takes a second and may not be needed.

    Raises:
        DeviceError: If the device is not the CPU.
    """
    import openvino

    if place.device.type != "cpu":
        raise DeviceError(
            f"grapy runs OpenVINO on the CPU only, not on {place.device.type}",
            hint="Use --device cpu.",
        )
    core = openvino.Core()
    options = {
        "INFERENCE_NUM_THREADS": place.threads * place.photos,
        "NUM_STREAMS": place.photos,
        "INFERENCE_PRECISION_HINT": ARITHMETIC[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = core.read_model(path)
    names = [output.get_any_name() for output in model.outputs]
    mine, compiling = local(), Lock()  # a request serves one thread at a time

    @cache
    def compiled() -> Any:  # noqa: ANN401 - a class that the library does not name in its stubs
        return core.compile_model(model, "CPU", options)

    def run(photos: UInt8[np.ndarray, "b 3 h w"]) -> list[np.ndarray]:
        if not hasattr(mine, "request"):
            with compiling:
                mine.request = compiled().create_infer_request()
        results = mine.request.infer({PHOTOS: photos}, share_inputs=True, share_outputs=True)
        return [results[index] for index in range(len(names))]

    return Runner(run, names, f"openvino {openvino.__version__.partition('-')[0]}")
