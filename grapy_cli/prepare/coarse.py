"""Coarse label maps that a release brings itself: they know pixels whose part is not labeled.

groups/KEY.png    level 2: 0 background, 1 head, 2 torso, 3 arms, 4 legs, 255 unknown
person/KEY.png    level 1: 0 background, 1 person, 255 unknown
"""

from collections.abc import Mapping

import numpy as np

from grapy_cli.image_io.archive import Place
from grapy_cli.image_io.label_import import LabelMapError, import_labels
from grapy_cli.image_io.label_maps import look_up
from grapy_cli.labels import IGNORE, LabelSet, Level
from grapy_cli.prepare.problems import BadSample
from grapy_cli.prepare.turned import LabelMap, fit_label

COARSE_FOLDERS: Mapping[Level, str] = {Level.CATEGORY: "groups", Level.HUMAN: "person"}
"""Where they lie in the folder of a release."""

_MOST_DIFFERING = 0.01
"""Share of the pixels that both label; more differing ones are reported. Edges always differ."""


def read_coarse(
    places: Mapping[Level, Place], data: bytes, size: tuple[int, int], orientation: int
) -> dict[Level, LabelMap]:
    """Read the coarse label maps of a photo.

    Args:
        data: The bytes of the photo's file.
        size: Height and width of the photo, upright.

    Raises:
        BadSample: If one cannot be read, has other ids than its level, or another size.
    """
    maps = {}
    for level, place in places.items():
        nodes = 5 if level == Level.CATEGORY else 2
        try:
            imported = import_labels(place.read_bytes(), {}, num_parts=nodes)
        except LabelMapError as error:
            raise BadSample(error.problem, f"{place}: {error.message}") from error
        except OSError as error:
            raise BadSample("unreadable-label", str(error)) from error
        unknown = imported.ids[(imported.ids >= nodes) & (imported.ids != IGNORE)]
        if unknown.size:
            reason = f"{place} has id {unknown[0]}, but level {int(level)} has 0 to {nodes - 1}"
            raise BadSample("foreign-ids", reason)
        maps[level], _ = fit_label(imported.ids, data, size, orientation)
    return maps


def fill_background(label_map: LabelMap, coarse: Mapping[Level, LabelMap]) -> LabelMap:
    """Label what is background at a coarse level as background among the parts as well."""
    known = np.zeros(label_map.shape, bool)
    for coarse_map in coarse.values():
        known |= coarse_map == 0
    return np.where((label_map == IGNORE) & known, np.uint8(0), label_map)


def contradictions(
    label_map: LabelMap, coarse: Mapping[Level, LabelMap], labels: LabelSet
) -> list[list[str]]:
    """Name the levels that contradict the parts on many pixels, as rows of problems."""
    rows = []
    for level, coarse_map in coarse.items():
        both = (label_map != IGNORE) & (coarse_map != IGNORE)
        lifted = look_up(label_map, labels.lift(level))
        differing = int((both & (lifted != coarse_map)).sum())
        if differing > _MOST_DIFFERING * max(1, int(both.sum())):
            share = differing / int(both.sum())
            reason = f"{COARSE_FOLDERS[level]} and parts differ on {share:.1%} of the pixels"
            rows.append(["coarse-differs", f"{reason}; the parts are kept"])
    return rows
