"""Write label files: label sets of users in TOML."""

import json

from grapy_cli.labels.label_set import ARMS, BACKGROUND, HEAD, LEGS, TORSO, LabelSet, Part

_HEAD = """\
# Your own label set: `grapy prepare --dataset {name}.toml --source FOLDER` with images/, labels/
# and, if there are any, lists splits/train.txt and splits/val.txt. A part's id in the label maps is
# its position here, from 0; 255 is ignored. Label maps may also be pictures in these colors.
#
# category: background (the first part, and only it), head, torso, arms or legs.
# mirror:   the part it becomes when the photo is mirrored, for parts with a left and a right.
"""

EXAMPLE = LabelSet(
    "my-parts",
    "My parts",
    "labeled by hand",
    (
        Part("background", BACKGROUND, (0, 0, 0)),
        Part("head", HEAD, (220, 60, 60)),
        Part("shirt", TORSO, (60, 170, 90)),
        Part("left-hand", ARMS, (70, 130, 220), "right-hand"),
        Part("right-hand", ARMS, (140, 190, 250), "left-hand"),
        Part("trousers", LEGS, (230, 170, 50)),
    ),
)


def label_file(labels: LabelSet, *, name: str) -> str:
    """Write a label set as a label file that `label_set` reads, under another name and title."""
    lines = [_HEAD.format(name=name), f"name = {_text(name)}", f"title = {_text(EXAMPLE.title)}"]
    lines += [f"source = {_text(labels.source)}", "parts = ["]
    for part in labels.parts:
        category = part.category.name.lower()
        mirror = f", mirror = {_text(part.mirror)}" if part.mirror else ""
        lines.append(
            f"  {{ name = {_text(part.name)}, category = {_text(category)}, "
            f"color = {list(part.color)}{mirror} }},"
        )
    return "\n".join([*lines, "]"]) + "\n"


def _text(text: str) -> str:
    """Return a TOML string; JSON strings are valid TOML."""
    return json.dumps(text, ensure_ascii=False)
