"""The table of poses that people are drawn in; angles in degrees."""

from typing import NamedTuple

import numpy as np

Range = tuple[float, float]


class Limb(NamedTuple):
    """An arm or a leg."""

    swing: Range
    """Angle of the upper bone: 0 hangs down, 90 is level, 180 points up; outwards, or ahead."""
    bend: Range
    """Angle by which the lower bone is bent back from the upper one."""
    is_ahead: bool = False
    """Whether both limbs swing to the side the person looks to, instead of outwards."""
    seen: Range = (1.0, 1.0)
    """Visible share of the upper bone's length; small if it points at the camera."""


class Pose(NamedTuple):
    """A way to stand, sit or move."""

    name: str
    share: float
    """Relative frequency."""
    lean: Range
    """Angle of the spine: 0 is upright, 90 level."""
    turn: Range
    """Visible share of the shoulders' width: 1 from the front, small from the side."""
    arms: tuple[Limb, ...]
    """Each arm is one of these."""
    legs: tuple[Limb, ...]
    """One for both, or the left one and the right one."""
    sits: bool = False
    """Whether the person sits on something that is drawn as well."""


HANGING = Limb((0, 25), (-20, 30))
ON_HIP = Limb((30, 55), (75, 110))
CROSSED = Limb((5, 25), (85, 125))
RAISED = Limb((85, 170), (-50, 30))
FORWARD = Limb((20, 80), (-70, 10), is_ahead=True)
DANGLING = Limb((-10, 40), (-30, 10), is_ahead=True)
STRAIGHT = Limb((0, 8), (-3, 6))

FRONT, ASIDE, UPRIGHT = (0.55, 1.0), (0.15, 0.45), (0.0, 5.0)

# fmt: off
POSES = (
    Pose("standing",      0.22, UPRIGHT,    FRONT, (HANGING, HANGING, ON_HIP, CROSSED),
         (STRAIGHT,)),
    Pose("walking",       0.16, (0, 8),     FRONT, (HANGING,),
         (Limb((0, 20), (-5, 20)),)),
    Pose("arms raised",   0.12, UPRIGHT,    FRONT, (RAISED, RAISED, HANGING),
         (Limb((0, 14), (-3, 8)),)),
    Pose("seated",        0.12, (0, 10),    FRONT, (HANGING, CROSSED, ON_HIP),
         (Limb((5, 40), (0, 35), seen=(0.25, 0.5)),), sits=True),
    Pose("seated aside",  0.10, (-10, 20),  ASIDE, (FORWARD, DANGLING),
         (Limb((75, 95), (70, 105), is_ahead=True), Limb((70, 100), (60, 110), is_ahead=True)),
         sits=True),
    Pose("crouching",     0.09, (5, 35),    ASIDE, (FORWARD, DANGLING),
         (Limb((95, 130), (110, 150), is_ahead=True), Limb((60, 110), (100, 150), is_ahead=True))),
    Pose("squatting",     0.05, (0, 12),    FRONT, (CROSSED, FORWARD),
         (Limb((60, 115), (60, 115), seen=(0.5, 0.9)),)),
    Pose("bent",          0.07, (45, 85),   ASIDE, (DANGLING, FORWARD),
         (Limb((-10, 10), (-5, 10), is_ahead=True), Limb((-5, 20), (0, 30), is_ahead=True))),
    Pose("running",       0.07, (5, 20),    ASIDE, (Limb((20, 70), (-110, -60), is_ahead=True),
                                                    Limb((-70, -20), (-100, -50), is_ahead=True)),
         (Limb((30, 80), (30, 90), is_ahead=True), Limb((-45, -5), (20, 90), is_ahead=True))),
)
# fmt: on


def draw_pose(random: np.random.Generator) -> Pose:
    """Choose a pose by the frequencies; if the legs differ, either may be the left one."""
    shares = np.array([pose.share for pose in POSES])
    pose = POSES[int(random.choice(len(POSES), p=shares / shares.sum()))]
    return pose._replace(legs=pose.legs[::-1]) if random.random() < 0.5 else pose
