"""Remarks on a whole data set, which no single label map can show."""

from collections.abc import Iterator, Mapping
from typing import Any

from grapy_cli.labels import LabelSet
from grapy_cli.labels.sides import unpaired_sides


def remarks_on(figures: Mapping[str, Any], labels: LabelSet) -> Iterator[str]:
    """Yield a sentence for each finding that a person should check.

    Args:
        figures: As `dataset.json` has them.
    """
    problems, labeled = figures["problems"], figures["labeled"]
    if from_1 := problems.get("ids-from-1", 0):
        yield (
            f"label maps with the id {labels.num_parts}: {from_1}; if their ids start at 1, "
            "those of all other label maps are one too high as well: subtract 1"
        )
    elif labeled and not figures["parts"][labels.names[0]]["pixels"]:
        yield "no label map shows background, which is id 0: do the ids start at 1?"
    if labeled and problems.get("one-bit", 0) == labeled:
        unseen = ", ".join(labels.names[2:])
        yield f"all label maps have 1 bit: they show {labels.names[1]}, but never {unseen}"
    for left, right in unpaired_sides(labels):
        yield (
            f"{left} and {right} name no mirror: mirrored photos will keep left and right labels "
            f"as they are; add mirror = {left!r} and mirror = {right!r} to the label file"
        )
