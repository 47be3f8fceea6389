"""Writers of results that are pictures or arrays; each file appears in one step."""

import re
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.image_io import render
from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.labels import Node
from grapy_cli.predict.outputs.remap import Layer

_TO_OPENCV = {"L": None, "RGB": cv2.COLOR_RGB2BGR, "RGBA": cv2.COLOR_RGBA2BGRA}
_PNG = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)


def write_mask(layer: Layer, path: Path) -> None:
    """Write an indexed PNG: values are ids, the palette has their colors."""
    save_label_map(path, layer.label_map, layer.view.palette)


def picture_writer(draw: Callable[[Layer], Image.Image]) -> Callable[[Layer, Path], None]:
    """Return the function that writes a drawing of a layer as a PNG."""
    return lambda layer, path: save_picture(draw(layer), path)


def write_cutouts(layer: Layer, folder: Path) -> None:
    """Write an RGBA crop of each part in the photo; crops of other parts are deleted."""
    present = dict(layer.present)
    for part, file in part_files(layer.view.nodes).items():
        if part in present:
            save_picture(render.cutout(layer.parsing.photo, layer.label_map == part), folder / file)
        else:
            (folder / file).unlink(missing_ok=True)


def write_confidence(layer: Layer, path: Path) -> None:
    """Write confidence as gray: 255 is certain."""
    save_picture(_gray(layer.parsing.confidence), path)


def write_entropy(layer: Layer, path: Path) -> None:
    """Write entropy as gray: 0 is certain, 255 means that all parts are equally likely."""
    most = np.log(layer.parsing.label_set.num_parts)
    save_picture(_gray(layer.parsing.entropy() / most), path)


def write_probabilities(layer: Layer, path: Path) -> None:
    """Write `probs`, float16 of shape parts, height, width, and `names`, those of the parts."""
    names = np.array(layer.parsing.label_set.names)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, probs=layer.parsing.probabilities(), names=names)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG; it appears in one step, complete."""
    with replacing(path) as beside:
        pack_picture(picture, beside)


def pack_picture(picture: Image.Image, file: Path | BytesIO) -> None:
    """Write a PNG: rows as differences from the row above, compressed by runs alone.

    This takes the least time for its size; OpenCV does it in half of Pillow's time.

    Source: the rows of `tests/benchmarks/files.py`.
    """
    if picture.mode not in _TO_OPENCV:  # OpenCV has no palettes
        picture.save(file, format="PNG", compress_level=1, compress_type=zlib.Z_RLE)
        return
    code, pixels = _TO_OPENCV[picture.mode], np.asarray(picture)
    _, data = cv2.imencode(".png", pixels if code is None else cv2.cvtColor(pixels, code), _PNG)
    if isinstance(file, Path):
        file.write_bytes(data.tobytes())
    else:
        file.write(data.tobytes())


def part_files(nodes: Sequence[Node]) -> dict[int, str]:
    """Return a file name for every id except the background's.

    All names start with the id if one of them is impossible for a file, or if two differ only in
    upper and lower case; label sets of users may have such names.
    """
    names = [node.name for node in nodes]
    clean = [re.sub(r"[^\w.-]+", "-", name).strip(".") for name in names]
    if clean != names or len({name.casefold() for name in clean}) < len(names):
        clean = [f"{part}-{name}" for part, name in enumerate(clean)]
    return {part: f"{name}.png" for part, name in enumerate(clean) if part}


def _gray(shares: Float[np.ndarray, "h w"]) -> Image.Image:
    values: UInt8[np.ndarray, "h w"] = (shares.clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(values)
