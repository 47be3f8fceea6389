"""Which files are networks of other engines, and what such a file says of itself."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from grapy_cli.errors import WeightsError
from grapy_cli.model.exported.onnx_file import read_onnx_metadata
from grapy_cli.model.exported.openvino_file import read_openvino_metadata

READERS: Mapping[str, Callable[[Path], dict[str, str]]] = MappingProxyType(
    {".onnx": read_onnx_metadata, ".xml": read_openvino_metadata}
)
"""By the end of a file's name, what reads its metadata."""

PRECISION_KEY = "grapy-precision"
PHOTOS = "photos"
"""Name of the network's input: `b 3 h w` bytes, RGB."""


def is_exported(path: Path) -> bool:
    """Whether a file is a network for another engine, by its name."""
    return path.suffix.lower() in READERS


def read_metadata(path: Path) -> dict[str, str]:
    """Read what such a file carries beside its network.

    Raises:
        WeightsError: If it is missing or damaged.
    """
    if not path.is_file():
        raise WeightsError(
            f"the weights {path} do not exist", hint="`grapy export` writes such files."
        )
    return READERS[path.suffix.lower()](path)
