"""Read the original PASCAL-Part annotations: a `.mat` file per photo with objects and parts.

Source: Chen et al. 2014, Detect What You Can; merged to the seven parts as in Chen et al. 2016.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from grapy_cli.labels.pascal import PASCAL
from grapy_cli.prepare.matlab import load_matlab
from grapy_cli.prepare.problems import BadSample

MERGED: Mapping[str, tuple[str, ...]] = {
    "torso": ("torso", "neck"),
    "upper-arm": ("luarm", "ruarm"),
    "lower-arm": ("llarm", "rlarm", "lhand", "rhand"),
    "upper-leg": ("luleg", "ruleg"),
    "lower-leg": ("llleg", "rlleg", "lfoot", "rfoot"),
    "head": (
        *("head", "hair", "nose", "mouth"),
        *("leye", "reye", "lear", "rear", "lebrow", "rebrow"),
    ),
}
"""The parts of PASCAL-Part that form each of the seven parts, in drawing order."""

_ID_OF = {name: PASCAL.names.index(part) for part, names in MERGED.items() for name in names}
_ORDER = {name: order for order, name in enumerate(_ID_OF)}


def read_pascal_part(data: bytes) -> UInt8[np.ndarray, "h w"]:
    """Merge the parts of all persons in a file; later persons cover earlier ones.

    Raises:
        BadSample: If the file is not such an annotation.
    """
    try:
        table: Mapping[str, Any] = load_matlab(data)
        (annotation,) = table["anno"]
        return _merge(annotation["objects"])
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise BadSample(
            "unreadable-label", f"the label map is not a PASCAL-Part annotation: {error}"
        ) from error


def _merge(objects: Any) -> UInt8[np.ndarray, "h w"]:  # noqa: ANN401 - the file may hold anything
    merged = None
    for thing in objects:
        if merged is None:
            merged = np.zeros(np.shape(thing["mask"]), np.uint8)
        if thing["class"] != "person":
            continue
        # A person without parts has an empty table of numbers in their place.
        parts = [part for part in thing["parts"] if part["part_name"] in _ID_OF]
        for part in sorted(parts, key=lambda part: _ORDER[part["part_name"]]):
            merged[np.asarray(part["mask"], bool)] = _ID_OF[part["part_name"]]
    if merged is None or merged.ndim != 2:
        raise ValueError("it has no objects with masks")
    return merged
