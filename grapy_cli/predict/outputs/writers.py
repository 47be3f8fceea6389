"""The results of a photo that are pictures or arrays, each written in one step."""

import re
import zlib
from collections.abc import Sequence
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
    """Indexed PNG: values are ids, the palette their colours."""
    save_label_map(path, layer.label_map, layer.view.palette)


def write_color(layer: Layer, path: Path) -> None:
    """The parts as flat colours, RGB."""
    save_picture(render.color_mask(layer.label_map, layer.view.nodes), path)


def write_overlay(layer: Layer, path: Path) -> None:
    """The photo with its parts laid over it, and a legend."""
    photo, nodes = layer.parsing.photo, layer.view.nodes
    save_picture(render.overlay(photo, layer.label_map, nodes, layer.alpha), path)


def write_contours(layer: Layer, path: Path) -> None:
    """The photo as it is, with the outline of each part."""
    save_picture(render.contours(layer.parsing.photo, layer.label_map, layer.view.nodes), path)


def write_cutouts(layer: Layer, folder: Path) -> None:
    """RGBA crop of each part that is there; what an earlier run left of others goes away."""
    present = dict(layer.present)
    for part, file in part_files(layer.view.nodes).items():
        if part in present:
            save_picture(render.cutout(layer.parsing.photo, layer.label_map == part), folder / file)
        else:
            (folder / file).unlink(missing_ok=True)


def write_confidence(layer: Layer, path: Path) -> None:
    """Grey: 255 for certain."""
    save_picture(_grey(layer.parsing.confidence), path)


def write_entropy(layer: Layer, path: Path) -> None:
    """Grey: 0 for certain, 255 for the log of the number of parts: all are equally likely."""
    most = np.log(layer.parsing.label_set.num_parts)
    save_picture(_grey(layer.parsing.entropy() / most), path)


def write_probabilities(layer: Layer, path: Path) -> None:
    """`probs`: float16 of shape parts, height, width; `names`: of the parts."""
    names = np.array(layer.parsing.label_set.names)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(file, probs=layer.parsing.probabilities(), names=names)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG in one step that cannot be seen half done."""
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
    """A file name for every id but the background's.

    Names that no file can have, or that differ in upper and lower case alone, as those of a label
    set of a user's own may, put the id before all of them.
    """
    names = [node.name for node in nodes]
    clean = [re.sub(r"[^\w.-]+", "-", name).strip(".") for name in names]
    if clean != names or len({name.casefold() for name in clean}) < len(names):
        clean = [f"{part}-{name}" for part, name in enumerate(clean)]
    return {part: f"{name}.png" for part, name in enumerate(clean) if part}


def _grey(shares: Float[np.ndarray, "h w"]) -> Image.Image:
    values: UInt8[np.ndarray, "h w"] = (shares.clip(0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(values)
