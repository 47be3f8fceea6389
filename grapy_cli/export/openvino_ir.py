"""Convert an ONNX file to the format of OpenVINO, which loads faster."""

from collections.abc import Mapping
from pathlib import Path

from grapy_cli.model.exported.openvino_file import NUMBERS_KEY, digest_of_numbers


def write_openvino(source: Path, path: Path, metadata: Mapping[str, str]) -> None:
    """Write an .xml file and its .bin file in the same folder.

    Args:
        source: The same network as ONNX.
        path: The .xml.
    """
    import openvino

    model = openvino.Core().read_model(source)
    openvino.save_model(model, path, compress_to_fp16=False)  # the digest is of these weights
    for key, text in (dict(metadata) | {NUMBERS_KEY: digest_of_numbers(path)}).items():
        model.set_rt_info(text, key)
    openvino.save_model(model, path, compress_to_fp16=False)
