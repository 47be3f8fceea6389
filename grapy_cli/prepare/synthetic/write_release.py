"""Write drawn people to disk, in the layout of the release with their label set."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.atomic import replacing, write_text
from grapy_cli.labels import LABEL_SETS
from grapy_cli.prepare.sources import PASCAL_COLORS, SOURCES
from grapy_cli.prepare.synthetic.part_codes import codes_to_ids
from grapy_cli.prepare.synthetic.scene import draw_scene
from grapy_cli.runtime.reporting import Reporter, paced
from grapy_cli.settings.settings import Settings


def folder_name(settings: Settings, labels: str) -> str:
    """Return the folder of a set of drawn people; each label set and setting has its own."""
    made, seed = settings.prepare.synthetic, settings.prepare.seed
    height, width = made.size
    return f"synthetic-{labels}-{made.count}-{height}x{width}-{seed}"


def draw_release(settings: Settings, labels: str, report: Reporter) -> Path:
    """Draw photos, label maps and lists below DATA/raw; existing files stay.

    The same settings give the same bytes, and the photos are the same in every label set.
    """
    made = settings.prepare.synthetic
    layout = SOURCES[labels].layouts[0]
    release = settings.data.root / "raw" / folder_name(settings, labels) / layout.roots[0]
    shelf = layout.shelves[0]
    table = codes_to_ids(LABEL_SETS[labels], labels)
    picture_of = _colored if labels == "pascal" else Image.fromarray
    keys = [f"{index:07d}" for index in range(1, made.count + 1)]
    for index, key in enumerate(paced(keys, "drawing people", len(keys), report), start=1):
        photo, label = release / shelf.photos / f"{key}.jpg", release / shelf.labels / f"{key}.png"
        if not (photo.exists() and label.exists()):
            random = np.random.default_rng((settings.prepare.seed, index))
            _draw(photo, label, made.size, random, table, picture_of)
    first_val = len(keys) - min(round(settings.prepare.val_share * len(keys)), len(keys) - 1)
    for split, some in (("train", keys[:first_val]), ("val", keys[first_val:])):
        write_text((release / layout.lists).with_name(f"{split}_id.txt"), "\n".join(some) + "\n")
    return release


def _draw(
    photo: Path,
    label: Path,
    size: tuple[int, int],
    random: np.random.Generator,
    table: UInt8[np.ndarray, "256"],
    picture_of: Callable[[UInt8[np.ndarray, "h w"]], Image.Image],
) -> None:
    pixels, codes = draw_scene(size, random)
    with replacing(label) as unfinished:
        picture_of(np.asarray(cv2.LUT(codes, table), np.uint8)).save(unfinished, format="PNG")
    with replacing(photo) as unfinished:
        quality = int(random.integers(75, 96))
        Image.fromarray(pixels).save(unfinished, format="JPEG", quality=quality)


def _colored(label_map: UInt8[np.ndarray, "h w"]) -> Image.Image:
    """Write a label map as PASCAL does: a color picture, some channels off by one gray level."""
    table = np.zeros((256, 3), np.uint8)
    for color, part in PASCAL_COLORS.items():
        table[part] = [max(channel - 1, 0) for channel in color]
    return Image.fromarray(table[label_map]).convert("RGBA")
