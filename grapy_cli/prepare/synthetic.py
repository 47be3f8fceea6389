"""Cartoon people, drawn on the spot: a data set to try everything with, nothing to download.

Each person is a handful of thick strokes. Every stroke is drawn twice, in its colour on the
photo and as its part id on the label map, so the two agree to the pixel.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.data.files import save_label_map
from grapy_cli.files import replacing
from grapy_cli.labels import LabelSet

NUM_PHOTOS = 60
HEIGHT, WIDTH = 240, 200  # pixels
SKIN = ((92, 58, 40), (141, 85, 54), (198, 134, 96), (224, 172, 136), (245, 208, 180))
HAIR = ((20, 16, 14), (62, 40, 26), (120, 80, 40), (205, 170, 100), (150, 150, 150))

Point = tuple[float, float]
Color = tuple[int, ...]


class Stroke(NamedTuple):
    """A line with round ends through some points; one point alone is a dot."""

    part: str
    color: Color
    points: Sequence[Point]
    """x and y, where 1 is the person's height and (0, 0) lies between the feet, y upwards."""
    width: float


def draw_release(folder: Path, labels: LabelSet, *, seed: int) -> None:
    """Draw photos and label maps into `images/` and `labels/`; the same seed, the same pixels."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for index in range(NUM_PHOTOS):
        photo, label_map = draw_scene(labels, np.random.default_rng((seed, index)))
        with replacing(folder / "images" / f"{index:04d}.jpg") as unfinished:
            Image.fromarray(photo).save(unfinished, format="JPEG", quality=92)
        save_label_map(folder / "labels" / f"{index:04d}.png", label_map, labels.palette())


def draw_scene(
    labels: LabelSet, random: np.random.Generator
) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w"]]:
    """Draw one to three people, side by side, and return photo and label map."""
    photo = _background(random)
    label_map = np.zeros((HEIGHT, WIDTH), np.uint8)
    num_people = int(random.integers(1, 4))
    for place in range(num_people):
        height = HEIGHT * random.uniform(0.6, 0.9) * (1 if num_people < 3 else 0.85)
        middle = WIDTH * (place + random.uniform(0.4, 0.6)) / num_people
        floor = HEIGHT * random.uniform(0.94, 0.99)
        for stroke in _person(random):
            points = [(middle + x * height, floor - y * height) for x, y in stroke.points]
            width = max(1, round(stroke.width * height))
            _draw(photo, points, width, stroke.color)
            _draw(label_map, points, width, (labels.names.index(stroke.part),))
    noise = random.normal(0, 4, photo.shape)
    soft = cv2.GaussianBlur(photo, (3, 3), 0) + noise
    return np.clip(soft, 0, 255).astype(np.uint8), label_map


def _draw(
    canvas: UInt8[np.ndarray, "h w *c"], points: Sequence[Point], width: int, color: Color
) -> None:
    line = [(round(x), round(y)) for x, y in points]
    for start, end in zip(line, line[1:] or line, strict=False):
        cv2.line(canvas, start, end, color, width)


def _background(random: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Blotches of colour: coarse noise made large, over a floor."""
    coarse = random.integers(60, 220, (6, 5, 3), dtype=np.uint8)
    wall = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    photo = np.asarray(wall, np.uint8)
    floor = int(HEIGHT * random.uniform(0.7, 0.9))
    photo[floor:] = photo[floor:] // 2
    return photo


def _person(random: np.random.Generator) -> Iterator[Stroke]:
    """Yield the strokes of a person who faces us, farthest first; left is the person's own."""
    skin, hair = SKIN[random.integers(len(SKIN))], HAIR[random.integers(len(HAIR))]
    top, bottom, shoe, hat = (tuple(random.integers(0, 256, 3).tolist()) for _ in range(4))
    stride, lift = random.uniform(0.03, 0.1), random.uniform(-0.02, 0.14, 2)
    wears_skirt, long_hair, wears_hat, sunny = random.random(4) < (0.3, 0.4, 0.3, 0.25)

    if long_hair:
        yield Stroke("hair", hair, [(0, 0.92), (0, 0.78)], 0.15)
    for side, sign in (("left", 1), ("right", -1)):
        hip, knee, foot = (sign * 0.05, 0.48), (sign * (0.05 + stride / 2), 0.26), sign * stride
        ankle = (foot + sign * 0.03, 0.04)
        if wears_skirt:
            yield Stroke(f"{side}-leg", skin, [hip, knee, ankle], 0.065)
        else:
            yield Stroke("pants", bottom, [hip, knee, ankle], 0.085)
        yield Stroke(f"{side}-shoe", shoe, [ankle, (ankle[0] + sign * 0.03, 0.02)], 0.045)
    if wears_skirt:
        yield Stroke("skirt", bottom, [(0, 0.48), (0, 0.36)], 0.17)
    for side, sign, raised in (("left", 1, lift[0]), ("right", -1, lift[1])):
        shoulder, elbow = (sign * 0.1, 0.77), (sign * (0.14 + raised / 2), 0.62 + raised)
        hand = (sign * (0.16 + raised), 0.48 + 2.5 * raised)
        yield Stroke(f"{side}-arm", skin, [elbow, hand], 0.05)
        yield Stroke("upper-clothes", top, [shoulder, elbow], 0.065)
    yield Stroke("torso-skin", skin, [(0, 0.86), (0, 0.8)], 0.06)
    yield Stroke("upper-clothes", top, [(-0.055, 0.76), (-0.035, 0.53)], 0.11)
    yield Stroke("upper-clothes", top, [(0.055, 0.76), (0.035, 0.53)], 0.11)
    yield Stroke("hair", hair, [(0, 0.935)], 0.13)
    yield Stroke("face", skin, [(0, 0.92), (0, 0.885)], 0.095)
    if sunny:
        yield Stroke("sunglasses", (20, 20, 25), [(-0.03, 0.915), (0.03, 0.915)], 0.022)
    if wears_hat:
        yield Stroke("hat", hat, [(-0.07, 0.96), (0.07, 0.96)], 0.03)
        yield Stroke("hat", hat, [(0, 0.985)], 0.09)
