"""Check whether a photo and its label map are fit for training, and say why not."""

from collections.abc import Mapping

import numpy as np

from grapy_cli.image_io.label_import import ImportedLabels, LabelMapError, import_labels
from grapy_cli.image_io.photos import UNREADABLE, PhotoFacts, facts_of, open_photo, why_unreadable
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.labels.label_set import Color
from grapy_cli.prepare.pascal_part import read_pascal_part
from grapy_cli.prepare.problems import BadSample


def check_photo(data: bytes) -> PhotoFacts:
    """Decode a photo to its last byte.

    Raises:
        BadSample: If it is not a picture, or broken.
    """
    problem = "unreadable-photo"
    try:
        with open_photo(data) as picture:
            problem = "truncated-photo"
            facts = facts_of(picture)
            # A JPEG is decoded at an eighth of its size: this reads every byte, so it detects a
            # truncated file, in a third of the time.
            picture.draft("L", (1, 1))
            picture.load()
    except UNREADABLE as error:
        reason = f"the photo cannot be read: {why_unreadable(error, data)}"
        raise BadSample(problem, reason) from error
    return facts


def read_label(
    data: bytes, colors: Mapping[Color, int], labels: LabelSet, suffix: str = ".png"
) -> ImportedLabels:
    """Read a label map as released: a picture in one of many forms, or PASCAL-Part's `.mat`.

    Raises:
        BadSample: If it cannot be read, or its values name no parts.
    """
    if suffix.lower() == ".mat":
        return ImportedLabels(read_pascal_part(data))
    try:
        return import_labels(data, colors, num_parts=labels.num_parts)
    except LabelMapError as error:
        raise BadSample(error.problem, error.message) from error


def check_ids(counts: np.ndarray, labels: LabelSet) -> None:
    """Check that all ids are parts or ignore, given the pixels of each id.

    Raises:
        BadSample: If there are other ids.
    """
    unknown = np.flatnonzero(counts[labels.num_parts : IGNORE]) + labels.num_parts
    if not unknown.size:
        return
    some = ", ".join(f"{one} ({counts[one]} pixels)" for one in unknown[:8].tolist())
    reason = f"the label map has ids {some}, but {labels.name} has 0 to {labels.num_parts - 1}"
    if unknown.tolist() == [labels.num_parts]:
        reason += "; are its ids one too high? Background is 0"
        raise BadSample("ids-from-1", reason)
    raise BadSample("foreign-ids", reason)
