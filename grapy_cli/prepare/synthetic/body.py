"""A skeleton with random joints: standing, walking, waving or sitting, from the front or behind."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Point = tuple[float, float]
"""x to the right and y up, where 1 is the height of the person and (0, 0) lies between the feet."""

SIDES = ("left", "right")


@dataclass(frozen=True)
class Body:
    """Where the joints are; left is the person's own."""

    joints: Mapping[str, Point]
    """head, neck, chest, waist, pelvis and, with "left-" and "right-", shoulder, elbow, hand, hip,
    knee, ankle, toe."""
    faces_us: bool
    build: float
    """How broad, around 1."""


def draw_body(random: np.random.Generator) -> Body:
    """Draw a pose; all lengths are fractions of the height, as in a book for artists."""
    faces_us, build = random.random() < 0.8, random.uniform(0.8, 1.3)
    turn = random.uniform(0.55, 1.0)  # how much of the shoulders' width is seen
    sits, waves, walks = random.random(3) < (0.15, 0.2, 0.4)
    lean = np.radians(random.normal(0, 5))
    pelvis = np.array([0.0, 0.49])
    spine = np.array([np.sin(lean), np.cos(lean)])
    across = np.array([np.cos(lean), -np.sin(lean)]) * turn
    head = spine + np.array([random.normal(0, 0.12), 0.0])
    neck = pelvis + 0.33 * spine
    joints = {
        "pelvis": pelvis,
        "waist": pelvis + 0.12 * spine,
        "chest": pelvis + 0.25 * spine,
        "neck": neck,
        "head": neck + 0.1 * head / np.hypot(*head),
    }
    for side in SIDES:
        sign = (1 if side == "left" else -1) * (1 if faces_us else -1)
        shoulder = neck - 0.035 * spine + sign * 0.1 * build * across
        out = np.radians(random.uniform(80, 165) if waves else abs(random.normal(8, 14)))
        waves = waves and random.random() < 0.3  # rarely with both hands
        elbow = shoulder + 0.155 * _down(sign * out)
        bend = np.radians(random.uniform(-20, 30) + 70 * (random.random() < 0.25))
        hand = elbow + 0.15 * _down(sign * (out - bend if out < 1.2 else out + bend))
        hip = pelvis + sign * 0.055 * build * across
        spread = np.radians(random.uniform(0, 8) + 14 * walks * random.random())
        thigh = 0.235 * (random.uniform(0.25, 0.5) if sits else 1)
        knee = hip + thigh * _down(sign * (spread + 0.5 * sits))
        ankle = knee + 0.215 * _down(sign * (spread * random.uniform(-0.5, 1.0)))
        toe = ankle + np.array([sign * random.uniform(0.0, 0.045), -0.028])
        names = ("shoulder", "elbow", "hand", "hip", "knee", "ankle", "toe")
        points = (shoulder, elbow, hand, hip, knee, ankle, toe)
        joints |= {f"{side}-{name}": point for name, point in zip(names, points, strict=True)}
    lowest = min(point[1] for name, point in joints.items() if name.endswith("toe"))
    return Body(
        {name: (float(x), float(y - lowest)) for name, (x, y) in joints.items()}, faces_us, build
    )


def _down(angle: float) -> np.ndarray:
    """The direction that hangs down, turned outwards by an angle."""
    return np.array([np.sin(angle), -np.cos(angle)])
