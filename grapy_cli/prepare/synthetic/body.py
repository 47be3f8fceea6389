"""Draw a skeleton with random joints, in one of the poses, from the front, behind or aside."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grapy_cli.prepare.synthetic.poses import Limb, Pose, draw_pose

Point = tuple[float, float]
"""x to the right, y up; 1 is the height of the person, (0, 0) lies between the feet."""

SIDES = ("left", "right")
HEAD = 0.12
"""How far a head reaches above its joint, hat included."""


@dataclass(frozen=True)
class Body:
    """The joints of a person; left is the person's left."""

    joints: Mapping[str, Point]
    """head, neck, chest, waist, pelvis and, with "left-" and "right-", shoulder, elbow, hand, hip,
    knee, ankle, toe."""
    faces_us: bool
    build: float
    """Relative width, around 1."""
    sits: bool
    """Whether the person sits on something that is drawn as well."""

    @property
    def top(self) -> float:
        """How high it reaches."""
        return self.joints["head"][1] + HEAD


def draw_body(random: np.random.Generator) -> Body:
    """Draw a pose; all lengths are fractions of the height."""
    pose = draw_pose(random)
    faces_us, build = random.random() < 0.8, random.uniform(0.8, 1.3)
    turn = random.uniform(*pose.turn)  # visible share of the shoulders' width
    ahead = int(random.choice([-1, 1]))  # to which side of the photo the person looks or leans
    joints = _trunk(pose, ahead, random)
    spine = np.subtract(joints["neck"], joints["pelvis"]) / 0.33
    across = np.array([spine[1], -spine[0]]) * turn
    for side in SIDES:
        sign = (1 if side == "left" else -1) * (1 if faces_us else -1)
        shoulder = joints["neck"] - 0.035 * spine + sign * 0.1 * build * across
        hip = joints["pelvis"] + np.array([sign * 0.055 * build * turn, 0])
        arm = pose.arms[int(random.integers(len(pose.arms)))]
        leg = pose.legs[SIDES.index(side) % len(pose.legs)]
        elbow, hand = _limb(shoulder, arm, (0.155, 0.15), (sign, ahead), random)
        knee, ankle = _limb(hip, leg, (0.235, 0.215), (sign, ahead), random)
        point = ahead if pose.turn[1] < 0.5 else sign
        toe = ankle + np.array([point * random.uniform(0.0, 0.045), -0.028])
        names = ("shoulder", "elbow", "hand", "hip", "knee", "ankle", "toe")
        points = (shoulder, elbow, hand, hip, knee, ankle, toe)
        joints |= {f"{side}-{name}": point for name, point in zip(names, points, strict=True)}
    lowest = min(point[1] for name, point in joints.items() if name.endswith(("toe", "pelvis")))
    placed = {name: (float(x), float(y - lowest)) for name, (x, y) in joints.items()}
    return Body(placed, faces_us, build, pose.sits)


def _trunk(pose: Pose, ahead: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    lean = np.radians(random.normal(0, 5) + ahead * random.uniform(*pose.lean))
    pelvis, spine = np.array([0.0, 0.49]), np.array([np.sin(lean), np.cos(lean)])
    head = spine + np.array([random.normal(0, 0.12), 0.0])
    neck = pelvis + 0.33 * spine
    return {
        "pelvis": pelvis,
        "waist": pelvis + 0.12 * spine,
        "chest": pelvis + 0.25 * spine,
        "neck": neck,
        "head": neck + 0.1 * head / np.hypot(*head),
    }


def _limb(
    root: np.ndarray,
    limb: Limb,
    lengths: tuple[float, float],
    sides: tuple[int, int],
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return a limb's middle joint and its end.

    Args:
        root: The joint it hangs from.
        lengths: Of its two bones.
        sides: Directions of outwards and ahead; 1 is to the right.
    """
    outwards, ahead = sides
    swing, bend = (np.radians(random.uniform(*one)) for one in (limb.swing, limb.bend))
    way = ahead if limb.is_ahead else outwards
    middle = root + lengths[0] * random.uniform(*limb.seen) * _down(way * swing)
    return middle, middle + lengths[1] * _down(way * (swing - bend))


def _down(angle: float) -> np.ndarray:
    """Return the direction down, turned to the right by an angle."""
    return np.array([np.sin(angle), -np.cos(angle)])
