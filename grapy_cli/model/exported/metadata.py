"""Which files are networks for other engines, and the metadata of such files."""

from collections.abc import Callable, Mapping
from pathlib import Path

from grapy_cli.errors import WeightsError
from grapy_cli.model.exported.onnx_file import read_onnx_metadata
from grapy_cli.model.exported.openvino_file import read_openvino_metadata

READERS: Mapping[str, Callable[[Path], dict[str, str]]] = {
    ".onnx": read_onnx_metadata,
    ".xml": read_openvino_metadata,
}
"""The function that reads the metadata, by file name suffix."""

PRECISION_KEY = "grapy-precision"
PHOTOS = "photos"
"""Name of the network's input: `b 3 h w` bytes, RGB."""


def is_exported(path: Path) -> bool:
    """Return whether a file is a network for another engine, from its name."""
    return path.suffix.lower() in READERS


def read_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of such a file.

    Raises:
        WeightsError: If it is missing or damaged.
    """
    if not path.is_file():
        raise WeightsError(
            f"the weights {path} do not exist",
            hint="Check the path. `grapy export` and `grapy weights adopt` write such files.",
        )
    return READERS[path.suffix.lower()](path)
