"""Photos in every form that cameras, phones, scanners and programs write, all of one scene."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 32
EXIF_TURNS = {
    1: lambda scene: scene,
    2: lambda scene: scene[:, ::-1],
    3: lambda scene: scene[::-1, ::-1],
    4: lambda scene: scene[::-1],
    5: lambda scene: scene.swapaxes(0, 1),
    6: np.rot90,
    7: lambda scene: scene[::-1, ::-1].swapaxes(0, 1),
    8: lambda scene: np.rot90(scene, -1),
}
"""How a camera stores the scene for each EXIF orientation."""


class OddPhoto(NamedTuple):
    """A way to store the scene."""

    name: str
    write: Callable[[Path], object]
    tolerance: int = 0
    """Gray levels that the format changes."""
    is_gray: bool = False


def color_scene() -> np.ndarray:
    """A soft picture whose four corners differ, so that no turn of it looks like another."""
    corners = np.array([[[250, 30, 30], [30, 230, 60]], [[40, 60, 240], [250, 250, 120]]], np.uint8)
    return cv2.resize(corners, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def gray_scene() -> np.ndarray:
    """The same without color, from black to white."""
    gray = color_scene().astype(int).sum(2)
    gray -= gray.min()
    return (gray * 255 // gray.max()).astype(np.uint8)


def scene_of(odd: OddPhoto) -> np.ndarray:
    """What everybody has to see."""
    return np.repeat(gray_scene()[..., None], 3, axis=2) if odd.is_gray else color_scene()


def _saves(scene: np.ndarray, mode: str = "", **options: object) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        picture = Image.fromarray(scene)
        (picture.convert(mode) if mode else picture).save(path, **options)

    return write


def _turned(orientation: int) -> Callable[[Path], object]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(EXIF_TURNS[orientation](color_scene()))
    return _saves(stored, exif=exif)


def _hidden(mode: str, **options: object) -> Callable[[Path], object]:
    """What is white in the scene is transparent in the file, over a color nobody may see."""

    def write(path: Path) -> None:
        scene = _framed(gray_scene() if mode == "LA" else color_scene())
        clear = (scene.reshape(HEIGHT, WIDTH, -1) == 255).all(2)
        hidden = scene.copy()
        hidden[clear] = 7
        alpha = np.where(clear, 0, 255).astype(np.uint8)
        picture = Image.fromarray(hidden)
        picture.putalpha(Image.fromarray(alpha))
        picture.save(path, **options)

    return write


def _framed(scene: np.ndarray) -> np.ndarray:
    framed = scene.copy()
    framed[:4] = 255
    return framed


def _pages(*scales: float) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        sizes = [(round(WIDTH * scale), round(HEIGHT * scale)) for scale in scales]
        whole = Image.fromarray(color_scene())
        first, *rest = [whole if s == whole.size else Image.new("RGB", s, "gray") for s in sizes]
        first.save(path, save_all=True, append_images=rest)

    return write


def _opencv(scene: np.ndarray) -> Callable[[Path], object]:
    return lambda path: cv2.imwrite(str(path), scene[..., ::-1] if scene.ndim == 3 else scene)


def _with_gain_map(path: Path) -> None:
    """A JPEG that is followed by a second, smaller one, as phones write Ultra HDR."""
    parts = []
    for size in ((WIDTH, HEIGHT), (8, 6)):
        file = io.BytesIO()
        picture = Image.fromarray(color_scene()).resize(size)
        picture.save(file, "JPEG", quality=98, subsampling=0)
        parts.append(file.getvalue())
    path.write_bytes(b"".join(parts))


def _scaled(scene: np.ndarray, most: int, kind: type) -> np.ndarray:
    return np.rint(scene * (most / 255)).astype(kind)


def odd_photos() -> Iterator[OddPhoto]:
    """Every form of the scene that this machine can write."""
    color, gray = color_scene(), gray_scene()
    fine = {"quality": 98, "subsampling": 0}
    yield OddPhoto("plain.png", _saves(color))
    yield OddPhoto("plain.bmp", _saves(color))
    yield OddPhoto("plain.ppm", _saves(color))
    yield OddPhoto("plain.tga", _saves(color))
    yield OddPhoto("plain.webp", _saves(color, lossless=True))
    yield OddPhoto("UPPER.PNG", _saves(color, format="PNG"))
    yield OddPhoto("plain.jpg", _saves(color, **fine), 6)
    yield OddPhoto("plain.jfif", _saves(color, **fine), 6)
    yield OddPhoto("progressive.jpeg", _saves(color, progressive=True, **fine), 6)
    yield OddPhoto("gray.jpg", _saves(gray, quality=98), 6, is_gray=True)
    yield OddPhoto("cmyk.jpg", _saves(color, "CMYK", quality=98), 12)
    yield OddPhoto("cmyk.tif", _saves(color, "CMYK"), 2)
    yield OddPhoto("lzw.tiff", _saves(color, compression="tiff_lzw"))
    yield OddPhoto("jpeg2000.jp2", _saves(color, irreversible=False))
    yield OddPhoto("gain map.jpg", _with_gain_map, 6)
    yield OddPhoto("two views.mpo", _saves(color, save_all=True, append_images=[], **fine), 6)
    yield OddPhoto("alpha.png", _saves(color, "RGBA"))
    yield OddPhoto("16 bits.png", _saves(gray.astype(np.uint16) * 257), 1, is_gray=True)
    yield OddPhoto("16 bits.tif", _saves(gray.astype(np.uint16) * 257), 1, is_gray=True)
    yield OddPhoto("12 in 16.tif", _saves(_scaled(gray, 4095, np.uint16)), 1, is_gray=True)
    yield OddPhoto("10 in 16.png", _saves(_scaled(gray, 1023, np.uint16)), 1, is_gray=True)
    yield OddPhoto("8 in 16.png", _saves(gray.astype(np.uint16)), is_gray=True)
    yield OddPhoto("8 in 32.tif", _saves(gray.astype(np.int32)), is_gray=True)
    yield OddPhoto("12 in 32.tif", _saves(_scaled(gray, 4095, np.int32)), 1, is_gray=True)
    yield OddPhoto("to 99999 in 32.tif", _saves(_scaled(gray, 99999, np.int32)), 1, is_gray=True)
    yield OddPhoto("share.tif", _saves(gray / np.float32(255)), 1, is_gray=True)
    yield OddPhoto("float.tif", _saves(gray.astype(np.float32)), 1, is_gray=True)
    yield OddPhoto("color 16 bits.png", _opencv(color.astype(np.uint16) * 257), 1)
    yield OddPhoto("color 12 in 16.png", _opencv(_scaled(color, 4095, np.uint16)), 2)
    yield OddPhoto("color 12 in 16.tif", _opencv(_scaled(color, 4095, np.uint16)), 2)
    yield OddPhoto("thumbnail first.tif", _pages(0.25, 1, 0.5))
    yield OddPhoto("pages.tif", _pages(1, 1))
    yield OddPhoto("frames.png", _saves(color, save_all=True, append_images=[]))
    for orientation in EXIF_TURNS:
        yield OddPhoto(f"exif {orientation}.jpg", _turned(orientation), 40)
        yield OddPhoto(f"exif {orientation}.png", _turned(orientation))
        yield OddPhoto(f"exif {orientation}.tif", _turned(orientation))
    yield OddPhoto("plain.avif", _saves(color, quality=100, subsampling="4:4:4"), 4)


def hidden_photos() -> Iterator[OddPhoto]:
    """Scenes with a white bar, which is transparent in the file."""
    yield OddPhoto("hidden.png", _hidden("RGBA"))
    yield OddPhoto("hidden.tif", _hidden("RGBA"))
    yield OddPhoto("hidden.webp", _hidden("RGBA", lossless=True))
    yield OddPhoto("hidden gray.png", _hidden("LA"), is_gray=True)


def framed_scene_of(odd: OddPhoto) -> np.ndarray:
    """What everybody has to see of a `hidden_photos`."""
    return _framed(scene_of(odd))
