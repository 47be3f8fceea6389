"""The label set of Crowd Instance-level Human Parsing."""

from grapy_cli.labels.label_set import ARMS, BACKGROUND, HEAD, LEGS, TORSO, LabelSet, Part

# fmt: off
CIHP = LabelSet(
    name="cihp",
    title="Crowd Instance-level Human Parsing",
    source="Gong et al. 2018; ids as in the CIHP release",
    parts=(
        #    name              category     color            mirror
        Part("background",      BACKGROUND,  (0, 0, 0)),
        Part("hat",             HEAD,        (128, 0, 0)),
        Part("hair",            HEAD,        (255, 0, 0)),
        Part("glove",           ARMS,        (0, 85, 0)),
        Part("sunglasses",      HEAD,        (170, 0, 51)),
        Part("upper-clothes",   TORSO,       (255, 85, 0)),
        Part("dress",           TORSO,       (0, 0, 85)),
        Part("coat",            TORSO,       (0, 119, 221)),
        Part("socks",           LEGS,        (85, 85, 0)),
        Part("pants",           LEGS,        (0, 85, 85)),
        Part("torso-skin",      TORSO,       (85, 51, 0)),
        Part("scarf",           TORSO,       (52, 86, 128)),
        Part("skirt",           TORSO,       (0, 128, 0)),
        Part("face",            HEAD,        (0, 0, 255)),
        Part("left-arm",        ARMS,        (51, 170, 221),  "right-arm"),
        Part("right-arm",       ARMS,        (0, 255, 255),   "left-arm"),
        Part("left-leg",        LEGS,        (85, 255, 170),  "right-leg"),
        Part("right-leg",       LEGS,        (170, 255, 85),  "left-leg"),
        Part("left-shoe",       LEGS,        (255, 255, 0),   "right-shoe"),
        Part("right-shoe",      LEGS,        (255, 170, 0),   "left-shoe"),
    ),
)
# fmt: on
