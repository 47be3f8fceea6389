"""The metadata of an ONNX file, read without any engine and without reading any other file.

An ONNX file is one message of Protocol Buffers: numbered fields, most of which hold bytes, which
may be messages themselves. So a table of the relevant fields is enough to find the metadata, and to
find tensors whose values are in other files.
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from grapy_cli.errors import WeightsError
from grapy_cli.safe_text import download_mistake

Value = int | memoryview

# Which fields of a message hold which messages; numbers as in onnx.proto.
FIELDS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor", 2: "tensor"},
}
METADATA = 14
EXTERNAL_DATA = frozenset({13, 14})
"""Fields of a tensor: the place of its values outside the file, and that they are outside."""


def read_onnx_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of the file: texts by name.

    Raises:
        WeightsError: If it is no ONNX file, or damaged, or wants parts of it read elsewhere.
    """
    try:
        with path.open("rb") as file:  # the map lives as long as views of it
            model = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        metadata, outside = dict(_metadata(model)), _names_other_files(model)
    except (OSError, ValueError) as error:
        why = download_mistake(path) or error
        raise WeightsError(f"{path} is not an ONNX file: {why}") from error
    if outside:
        raise WeightsError(
            f"{path} keeps numbers in other files, which grapy does not read",
            hint="grapy export --format onnx writes one file that has all of it.",
        )
    return metadata


def encode_metadata(key: str, value: str) -> bytes:
    """Encode a name and its text so that they can be appended to an ONNX file.

    In Protocol Buffers, fields of a repeated kind may stand anywhere in a message.
    """
    entry = b"".join(_encoded(number, text.encode()) for number, text in ((1, key), (2, value)))
    return _encoded(METADATA, entry)


def _encoded(field: int, content: bytes) -> bytes:
    return _as_varint(field << 3 | 2) + _as_varint(len(content)) + content


def _as_varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])


def _metadata(model: memoryview) -> Iterator[tuple[str, str]]:
    for field, value in _fields(model):
        if field == METADATA and isinstance(value, memoryview):
            texts = {key: one for key, one in _fields(value) if isinstance(one, memoryview)}
            yield str(texts.get(1, b""), "utf-8"), str(texts.get(2, b""), "utf-8")


def _names_other_files(model: memoryview) -> bool:
    """Return whether any tensor, at any depth, has its values in another file."""
    waiting = [("model", model)]
    while waiting:
        kind, message = waiting.pop()
        for field, value in _fields(message):
            if kind == "tensor" and field in EXTERNAL_DATA and value:
                return True
            inner = FIELDS.get(kind, {}).get(field)
            if inner and isinstance(value, memoryview):
                waiting.append((inner, value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message.

    Raises:
        ValueError: If these bytes are not a message.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        match tag & 7:
            case 0:
                value, place = _varint(message, place)
                yield tag >> 3, value
                continue
            case 1:
                length = 8
            case 2:
                length, place = _varint(message, place)
            case 5:
                length = 4
            case kind:
                raise ValueError(f"a field of kind {kind} at byte {place}")
        if place + length > len(message):
            raise ValueError("it ends too early")
        yield tag >> 3, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Read a number of seven bits per byte; return it and the place of the next field."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("it ends too early")
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError(f"a number that does not end at byte {place}")
