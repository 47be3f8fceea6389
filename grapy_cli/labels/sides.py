"""Parts with a left and a right that a label set does not pair."""

import re
from collections.abc import Iterator

from grapy_cli.labels.label_set import LabelSet

_LEFT_LETTER = re.compile(r"(?<![a-z0-9])l(?![a-z0-9])")


def unpaired_sides(labels: LabelSet) -> list[tuple[str, str]]:
    """Return pairs of left and right parts, recognized by their names, that name no `mirror`.

    Without it a mirrored photo keeps the label of a left hand on what is now a right hand.
    """
    by_name = {part.name.casefold(): part for part in labels.parts}
    pairs = (
        (part, by_name[other])
        for name, part in by_name.items()
        for other in _on_the_right(name)
        if other in by_name
    )
    return [(left.name, right.name) for left, right in pairs if not (left.mirror or right.mirror)]


def _on_the_right(name: str) -> Iterator[str]:
    """Yield how the right part of a left one may be called; nothing for other names."""
    if "left" in name:
        yield name.replace("left", "right")
    if _LEFT_LETTER.search(name):
        yield _LEFT_LETTER.sub("r", name)
