"""Coarse labels, for pixels whose part is unknown: their group, or that they show a person.

The paper's levels make one vocabulary of all data sets: a part of any label set, a group of
level 2, or the person of level 1 each say which parts of another set a pixel can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from grapy_cli.labels.agreement import together
from grapy_cli.labels.label_set import Category, LabelSet

PERSON = len(Category)
"""Id in a coarse map for a person whose group is unknown. Smaller ids are those of level 2."""
COARSE_IDS = PERSON + 1

ACCESSORIES = frozenset({"bag", "belt", "scarf", "glove"})
"""Parts that are learned from labels of their own name alone. Where coarse labels allowed them, a
network put bags all over the background and scarves on arms: no label there said otherwise."""


@dataclass(frozen=True)
class Vocabulary:
    """One numbering of all labels of a run: coarse ids, then the parts of each label set."""

    label_sets: Sequence[LabelSet]

    @cached_property
    def offsets(self) -> dict[str, int]:
        """The first word of each label set; a part's word is this plus its id."""
        offsets, reached = {}, COARSE_IDS
        for labels in self.label_sets:
            offsets[labels.name] = reached
            reached += labels.num_parts
        return offsets

    def allowed(self, labels: LabelSet) -> list[list[bool]]:
        """Say for each word which parts of a label set the pixel can be.

        Differs: from level 2 between label sets. PASCAL labels the body under its clothes, the
            others label the clothes: a sleeve is of the group arms there and torso here. So parts
            of another set go by the table of `agreement`, which knows this, and not by groups.
            Background is background in every set, also where a set has no word for a part.
        """
        groups = [int(part.category) for part in labels.parts]
        if labels.num_parts == 2:  # a set of masks: its one part is a whole person
            coarse = [[(group > 0) == (word > 0) for group in groups] for word in range(PERSON)]
        else:
            coarse = [[group == word for group in groups] for word in range(PERSON)]
        person = [group != Category.BACKGROUND for group in groups]
        rows = [_without_accessories(row, labels) for row in (*coarse, person)]
        return rows + [row for other in self.label_sets for row in _rows(other, labels)]


def _rows(other: LabelSet, labels: LabelSet) -> list[list[bool]]:
    """Say for each part of another set which parts of a set the pixel can be."""
    is_background = [part.category == Category.BACKGROUND for part in labels.parts]
    if 2 in (other.num_parts, labels.num_parts):  # a set of masks: its one part is a whole person
        return [is_background, *[[not one for one in is_background]] * (other.num_parts - 1)]
    rows = [is_background]
    for part, possible in zip(other.parts[1:], together(other, labels)[1:], strict=True):
        is_named = part.name in ACCESSORIES
        rows.append(list(possible) if is_named else _without_accessories(possible, labels))
    return rows


def _without_accessories(possible: Sequence[bool], labels: LabelSet) -> list[bool]:
    return [
        can_be and part.name not in ACCESSORIES
        for can_be, part in zip(possible, labels.parts, strict=True)
    ]
