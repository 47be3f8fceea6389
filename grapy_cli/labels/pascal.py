"""The label set of PASCAL-Person-Part."""

from grapy_cli.labels.label_set import ARMS, BACKGROUND, HEAD, LEGS, TORSO, LabelSet, Part

# fmt: off
PASCAL = LabelSet(
    name="pascal",
    title="PASCAL-Person-Part",
    source="Chen et al. 2014; ids as in the index masks people train on",
    parts=(
        #    name              category     color            mirror
        Part("background",      BACKGROUND,  (0, 0, 0)),
        Part("head",            HEAD,        (128, 0, 0)),
        Part("torso",           TORSO,       (255, 0, 0)),
        Part("upper-arm",       ARMS,        (0, 85, 0)),
        Part("lower-arm",       ARMS,        (170, 0, 51)),
        Part("upper-leg",       LEGS,        (255, 85, 0)),
        Part("lower-leg",       LEGS,        (0, 0, 85)),
    ),
)
# fmt: on
