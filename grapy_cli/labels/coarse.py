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
        """
        groups = [int(part.category) for part in labels.parts]
        if labels.num_parts == 2:  # a set of masks: its one part is a whole person
            coarse = [[(group > 0) == (word > 0) for group in groups] for word in range(PERSON)]
        else:
            coarse = [[group == word for group in groups] for word in range(PERSON)]
        person = [group != Category.BACKGROUND for group in groups]
        others = [row for other in self.label_sets for row in _rows(other, labels)]
        return [*coarse, person, *others]


def _rows(other: LabelSet, labels: LabelSet) -> list[list[bool]]:
    """Say for each part of another set which parts of a set the pixel can be."""
    if 2 in (other.num_parts, labels.num_parts):  # a set of masks: its one part is a whole person
        people = [
            [part.category != Category.BACKGROUND for part in it.parts] for it in (other, labels)
        ]
        return [[own == their for own in people[1]] for their in people[0]]
    return [list(row) for row in together(other, labels)]
