"""What a teacher thinks of each pixel, and what else is known, as a label map to learn from."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from grapy_cli.labels import IGNORE

BACKGROUND = 0
NOBODY, SOMEBODY = 0, 1
"""What a person mask says of a pixel; anything else leaves it open."""


def pseudo_label_map(
    probabilities: Float[np.ndarray, "p h w"],
    allowed: Sequence[bool],
    person: UInt8[np.ndarray, "h w"] | None,
    confidence: float,
) -> UInt8[np.ndarray, "h w"]:
    """Label the pixels of which the teacher is certain, once what cannot be is ruled out.

    What a ruled out part had goes to the parts that remain, each by what it has itself: where the
    photo has no dress, what looks like a dress and a little like a skirt is a skirt.

    Args:
        probabilities: Of each part at each pixel, adding up to 1.
        allowed: Which parts the photo may show; the background is one of them.
        person: 1 where there is a person, 0 where there is none, 255 where nobody knows; None
            knows nowhere.
        confidence: Probability, in [0, 1], below which a pixel is ignored.
    """
    open_to = np.asarray(probabilities, np.float32) * np.asarray(allowed)[:, None, None]
    if person is not None:
        open_to[BACKGROUND, person == SOMEBODY] = 0
    best = open_to.argmax(0)
    most, total = open_to.max(0), open_to.sum(0)
    certain = (most > 0) & (most >= confidence * total)
    label_map = np.where(certain, best, IGNORE).astype(np.uint8)
    if person is not None:
        label_map[person == NOBODY] = BACKGROUND
    return label_map
