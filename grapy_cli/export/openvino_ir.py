"""Convert an ONNX file to OpenVINO's format, which loads faster and has more precisions."""

from collections.abc import Mapping
from pathlib import Path

from grapy_cli.model.exported.openvino_file import NUMBERS_KEY, digest_of_numbers


def write_openvino(source: Path, path: Path, metadata: Mapping[str, str]) -> None:
    """Write an .xml and, beside it, its .bin.

    Args:
        source: The same network as ONNX.
        path: The .xml.
        metadata: To go into it.
    """
    import openvino

    model = openvino.Core().read_model(source)
    openvino.save_model(model, path, compress_to_fp16=False)  # for the digest of its numbers
    for key, text in (dict(metadata) | {NUMBERS_KEY: digest_of_numbers(path)}).items():
        model.set_rt_info(text, key)
    openvino.save_model(model, path, compress_to_fp16=False)
