"""Paint people before a background: the photo, and the map of codes."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from grapy_cli.prepare.synthetic.body import Body, draw_body
from grapy_cli.prepare.synthetic.part_codes import code_of
from grapy_cli.prepare.synthetic.wardrobe import TILE, Disc, Tile, dress, weave

_ANGLES = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


class View(NamedTuple):
    """A way to frame people."""

    share: float
    """Relative frequency."""
    people: tuple[int, int]
    """Smallest and largest number."""
    tall: tuple[float, float]
    """Height of a person who stands upright, as a share of the photo's."""
    room: tuple[float, float] | None = None
    """Space above the head, as a share of the photo's height; None if all stand on a floor."""


VIEWS = (
    View(0.38, (1, 1), (0.65, 0.95)),
    View(0.22, (2, 3), (0.55, 0.95)),
    View(0.08, (4, 6), (0.3, 0.7)),
    View(0.20, (1, 2), (1.1, 2.1), (0.0, 0.15)),  # cut off at knees, hips or waist
    View(0.12, (1, 1), (2.4, 4.0), (-0.05, 0.12)),  # head and shoulders
)

_FINE = 4  # fractional bits of coordinates in OpenCV's drawing


def draw_scene(
    size: tuple[int, int], random: np.random.Generator
) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w"]]:
    """Draw one to six people and return the photo and the codes of what is worn.

    Args:
        size: Height and width, pixels.
    """
    height, width = size
    photo = _background(size, random)
    codes = np.zeros(size, np.uint8)
    view = VIEWS[int(random.choice(len(VIEWS), p=[view.share for view in VIEWS]))]
    num_people = int(random.integers(view.people[0], view.people[1] + 1))
    for place in random.permutation(num_people):
        body = draw_body(random)
        tall = height * random.uniform(*view.tall)
        middle = width * (place + random.uniform(0.35, 0.65)) / num_people
        floor = height * random.uniform(0.9, 0.99)
        if view.room:  # cut off what lies below the photo
            floor = height * random.uniform(*view.room) + tall * body.top
            middle -= tall * body.joints["neck"][0]
        if body.sits:
            _paint(photo, codes, _seat(body, tall, middle, floor, random), weave(random), 0)
        for shape in dress(body, random):
            hull = _hull(shape.discs, tall, middle, floor)
            _paint(photo, codes, hull, shape.fabric, code_of(shape.worn, shape.place))
    if random.random() < 0.2:  # something stands in front of them
        at = (random.uniform(0, width), random.uniform(0.7, 1.0) * height)
        corners = np.array(at) + random.uniform(-0.25, 0.25, (5, 2)) * width
        _paint(photo, codes, _around(corners), weave(random), 0)
    return _camera(photo, random), codes


def _seat(
    body: Body, tall: float, middle: float, floor: float, random: np.random.Generator
) -> np.ndarray:
    """Return the corners of a seat, pixels; half of the seats have a back."""
    x, y = body.joints["pelvis"]
    wide, high = random.uniform(0.1, 0.2), y + random.choice([-0.04, 0.3])
    corners = [(x + dx, dy) for dx in (-wide, wide) for dy in (0.0, high)]
    return _around(np.array([(middle + dx * tall, floor - dy * tall) for dx, dy in corners]))


def _hull(discs: Sequence[Disc], tall: float, middle: float, floor: float) -> np.ndarray:
    """Return the outline of a shape on the photo, pixels."""
    points = np.concatenate(
        [
            _CIRCLE * max(disc.radius * tall, 0.8)
            + (middle + disc.at[0] * tall, floor - disc.at[1] * tall)
            for disc in discs
        ]
    )
    return _around(points)


def _around(points: np.ndarray) -> np.ndarray:
    return cv2.convexHull(points.astype(np.float32)).reshape(-1, 2)


def _paint(
    photo: UInt8[np.ndarray, "h w 3"],
    codes: UInt8[np.ndarray, "h w"],
    outline: np.ndarray,
    fabric: Tile,
    code: int,
) -> None:
    """Paint a shape into photo and map; its rim is darker, as on round things."""
    height, width = codes.shape
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 1, (width, height))
    if left >= right or top >= bottom:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    corners = np.round((outline - (left, top)) * (1 << _FINE)).astype(np.int32)
    cv2.fillConvexPoly(mask, corners, 255, shift=_FINE)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    light = 0.62 + 0.38 * np.sqrt(np.minimum(depth / max(float(depth.max()), 1e-3), 1))
    ys, xs = np.arange(top, bottom) % TILE, np.arange(left, right) % TILE
    cloth = fabric[ys[:, None], xs] * light[..., None]
    inside = mask > 0
    photo[top:bottom, left:right][inside] = cloth.astype(np.uint8)[inside]
    codes[top:bottom, left:right][inside] = code


def _background(size: tuple[int, int], random: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Draw a wall and a floor with blotches and patterns, and some things in front."""
    height, width = size
    coarse = random.integers(30, 240, (*random.integers(2, 9, 2), 3), dtype=np.uint8)
    photo = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    unused = np.zeros(size, np.uint8)
    floor = int(height * random.uniform(0.6, 0.95))
    for top, bottom in ((0, floor), (floor, height)):
        cloth = np.tile(weave(random), (-(-height // TILE), -(-width // TILE), 1))
        share = random.uniform(0.0, 0.7)
        photo[top:bottom] = cv2.addWeighted(
            photo[top:bottom], 1 - share, cloth[top:bottom, :width].copy(), share, 0
        )
    for _ in range(random.integers(0, 7)):
        at = random.uniform(0, 1, 2) * (width, height)
        corners = at + random.uniform(-0.3, 0.3, (5, 2)) * (width, height)
        _paint(photo, unused, _around(corners), weave(random), 0)
    return photo


def _camera(
    photo: UInt8[np.ndarray, "h w 3"], random: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """Apply light, color cast, focus and noise."""
    blur = random.uniform(0.4, 1.1)
    seen = cv2.GaussianBlur(photo, (0, 0), blur).astype(np.float32)
    seen = seen * random.uniform(0.8, 1.2, 3).astype(np.float32) + random.uniform(-15, 15)
    seen += random.standard_normal(photo.shape, np.float32) * random.uniform(1, 6)
    return np.clip(seen, 0, 255).astype(np.uint8)
