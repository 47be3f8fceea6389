"""Draw sample photos for benchmarks: soft colors and grain, as slow to decode as real ones."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES = ((512, 384), (640, 427), (1000, 667), (1600, 1200))
"""Height and width, pixels: from a web picture to a phone photo."""


def draw_photos(folder: Path) -> None:
    """Write one JPEG of each size into a folder; they are the same every time."""
    random = np.random.default_rng(0)
    for height, width in SIZES:
        blots = random.integers(0, 256, (height // 64, width // 64, 3), np.uint8)
        soft = Image.fromarray(blots).resize((width, height), Image.Resampling.BICUBIC)
        grain = random.integers(-6, 7, (height, width, 3))
        pixels = (np.asarray(soft) + grain).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{height}x{width}.jpg", quality=90)
