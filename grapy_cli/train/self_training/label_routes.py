"""From the label set in which a teacher parses to those in which a student learns."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from grapy_cli.errors import WeightsError
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.labels.published_labels import translations_of


class Route(NamedTuple):
    """How one label set of a student is read off a parsing of the teacher."""

    source: str
    """The teacher's label set."""
    target: LabelSet
    table: tuple[int, ...] | None
    """For each part of the source the target's, IGNORE for none; None where both are the same."""

    def translate(
        self, own: Float[np.ndarray, "q h w"]
    ) -> tuple[Float[np.ndarray, "p h w"], Float[np.ndarray, "h w"] | None]:
        """Return the probability of each part of the target, and of all that does not translate.

        Returns:
            Together they add up to 1 at each pixel; the second is None where both sets are one.
        """
        if self.table is None:
            return own, None
        translated = np.zeros((self.target.num_parts, *own.shape[1:]), np.float32)
        lost = np.zeros(own.shape[1:], np.float32)
        for part, of_part in zip(self.table, own, strict=True):
            into = lost if part == IGNORE else translated[part]
            into += of_part
        return translated, lost


def routes_to(label_sets: Iterable[LabelSet], known: Mapping[str, LabelSet]) -> dict[str, Route]:
    """Find a route from a teacher's label sets, `known` by name, to each of a student's.

    Raises:
        WeightsError: If no table leads to one of them.
    """
    return {labels.name: _route_to(labels, known) for labels in label_sets}


def _route_to(labels: LabelSet, known: Mapping[str, LabelSet]) -> Route:
    for name, own in known.items():
        if own.digest == labels.digest:
            return Route(name, labels, None)
    for name, own in known.items():
        if table := translations_of(own).get(labels.name):
            return Route(name, labels, table)
    raise WeightsError(
        f"the teacher parses in {', '.join(known) or 'no label set'}, from which no table leads to "
        f"{labels.name}",
        hint="Train in the teacher's label set, or name another teacher.",
    )
