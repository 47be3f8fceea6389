"""The label set of Active Template Regression."""

from grapy_cli.labels.label_set import ARMS, BACKGROUND, HEAD, LEGS, TORSO, LabelSet, Part

# fmt: off
ATR = LabelSet(
    name="atr",
    title="Active Template Regression",
    source="Liang et al. 2015; ids as in the humanparsing release",
    parts=(
        #    name              category     color            mirror
        Part("background",      BACKGROUND,  (0, 0, 0)),
        Part("hat",             HEAD,        (128, 0, 0)),
        Part("hair",            HEAD,        (255, 0, 0)),
        Part("sunglasses",      HEAD,        (0, 85, 0)),
        Part("upper-clothes",   TORSO,       (170, 0, 51)),
        Part("skirt",           TORSO,       (255, 85, 0)),
        Part("pants",           LEGS,        (0, 0, 85)),
        Part("dress",           TORSO,       (0, 119, 221)),
        Part("belt",            TORSO,       (85, 85, 0)),
        Part("left-shoe",       LEGS,        (0, 85, 85),     "right-shoe"),
        Part("right-shoe",      LEGS,        (85, 51, 0),     "left-shoe"),
        Part("face",            HEAD,        (52, 86, 128)),
        Part("left-leg",        LEGS,        (0, 128, 0),     "right-leg"),
        Part("right-leg",       LEGS,        (0, 0, 255),     "left-leg"),
        Part("left-arm",        ARMS,        (51, 170, 221),  "right-arm"),
        Part("right-arm",       ARMS,        (0, 255, 255),   "left-arm"),
        Part("bag",             TORSO,       (85, 255, 170)),
        Part("scarf",           TORSO,       (170, 255, 85)),
    ),
)
# fmt: on
