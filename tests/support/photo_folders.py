"""Folders of photos as they are found: most are good, some are anything but."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.photos import png_that_claims


def write_good_photos(folder: Path, count: int) -> list[str]:
    """Write small photos, no two alike, in folders of ten, and return their names."""
    random = np.random.default_rng(0)
    names = [f"{index // 10:03d}/photo {index:04d}.png" for index in range(count)]
    for name in names:
        height, width = random.integers(8, 40, 2)
        save(folder / name, random.integers(0, 256, (height, width, 3), np.uint8))
    return names


def write_noise(folder: Path, sizes: Mapping[str, tuple[int, int]]) -> None:
    """Write a photo of noise, no two alike, for each name: of this height and width."""
    random = np.random.default_rng(0)
    for name, size in sizes.items():
        save(folder / name, random.integers(0, 256, (*size, 3), np.uint8))


def write_odd_photos(folder: Path) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Write photos that are hard to read, and files that are none.

    Returns:
        Height and width of those that can be read, by name, and the names of the others.
    """
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (30, 20, 3), np.uint8)
    good = {
        "one pixel.png": noise[:1, :1],
        "sliver.png": noise[:, :1],
        "0 huge.jpg": np.tile(noise, (100, 200, 1)),
        "naïve.png": noise,
        "写真/寫真.png": noise,
        "emoji 🧍.webp": noise,
        "same/name.png": noise,
        "same/name.jpg": noise,
        "same/NAME.png": noise,
        "x/name.png": noise,
    }
    for name, pixels in good.items():
        save(folder / name, pixels)
    sizes = {name: pixels.shape[:2] for name, pixels in good.items()}
    Image.fromarray(noise).save(folder / "png in truth.jpg", format="PNG")
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.fromarray(noise).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(noise).convert("CMYK").save(folder / "print.tif")
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(folder / "16 bit.png")
    Image.fromarray(noise[..., 0] / np.float32(255)).save(folder / "float.tif")
    Image.fromarray(noise).quantize(8).save(folder / "film.gif", save_all=True, append_images=[
        Image.new("P", (20, 30))
    ])  # fmt: skip
    sizes |= dict.fromkeys(
        ("png in truth.jpg", "print.tif", "16 bit.png", "float.tif", "film.gif"), (30, 20)
    )
    sizes["turned.jpg"] = (20, 30)
    whole = (folder / "naïve.png").read_bytes()
    broken = {
        "empty.jpg": b"",
        "text.png": b"no photo",
        "short.png": whole[: len(whole) // 2],
        "head.png": whole[:20],
        "bomb.png": png_that_claims(30_000, 30_000),
        "0 hollow.png": png_that_claims(3_000, 3_000),
    }
    for name, data in broken.items():
        (folder / name).write_bytes(data)
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "self.png").symlink_to("self.png")
    os.link(folder / "naïve.png", folder / "twin.png")
    sizes["twin.png"] = (30, 20)
    (folder / "notes.txt").write_text("not looked at")
    return sizes, sorted(broken)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
