"""The metadata of an OpenVINO file, read without OpenVINO.

The network is two files in one folder: an .xml with its operations and a .bin with its weights. The
first holds the digest of the second, so that two files of different networks are noticed.
"""

from pathlib import Path
from xml.etree import ElementTree

from grapy_cli.atomic import file_digest
from grapy_cli.errors import WeightsError
from grapy_cli.safe_text import download_mistake

NUMBERS_KEY = "grapy-numbers"
"""Name under which the .xml carries the sha256 of its .bin."""


def read_openvino_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of the file: texts by name.

    Raises:
        WeightsError: If it is another file, or damaged.
    """
    if mistake := download_mistake(path):
        raise WeightsError(f"{path} is not an OpenVINO file: {mistake}")
    try:
        text = path.read_text(encoding="utf-8")
        if "<!DOCTYPE" in text:  # the only way by which XML grows or names other files
            raise WeightsError(f"{path} declares a document type, which no file of OpenVINO's does")
        root = ElementTree.fromstring(text)
    except (OSError, UnicodeDecodeError, ElementTree.ParseError) as error:
        raise WeightsError(f"{path} is not an OpenVINO file: {error}") from error
    facts = root.find("rt_info")
    return {} if facts is None else {one.tag: one.get("value", "") for one in facts}


def digest_of_numbers(path: Path) -> str:
    """The sha256 of the .bin that belongs to an .xml.

    Raises:
        WeightsError: If it cannot be read.
    """
    numbers = path.with_suffix(".bin")
    try:
        return file_digest(numbers)
    except OSError as error:
        raise WeightsError(
            f"the numbers of {path} cannot be read: {error}",
            hint=f"{path.name} and {numbers.name} belong together: keep both in one folder.",
        ) from error


def check_numbers(path: Path, metadata: dict[str, str]) -> None:
    """Make sure that the .bin beside an .xml is its own.

    Raises:
        WeightsError: If it is another's, or cannot be read.
    """
    if digest_of_numbers(path) != metadata.get(NUMBERS_KEY):
        raise WeightsError(
            f"{path.with_suffix('.bin')} does not belong to {path.name}",
            hint="grapy export writes both; keep them together.",
        )
