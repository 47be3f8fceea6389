"""Pseudo labels: label maps from a teacher's probabilities and from known facts."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, UInt8

from grapy_cli.labels import IGNORE, LABEL_SETS, LabelSet
from grapy_cli.labels.agreement import together
from grapy_cli.labels.garment_tags import allowed_parts

BACKGROUND = 0
NO_PERSON, PERSON = 0, 1
"""Values of a person mask; others are unknown."""


Words = Sequence[str] | None
"""The garments on a photo; None if they are unknown."""


def part_shares(labels: LabelSet, words: Iterable[Words]) -> Float[np.ndarray, " p"]:
    """Return the share of the photos with known garments that may show each part, in [0, 1]."""
    allowed = [allowed_parts(labels, known) for known in words if known is not None]
    return np.mean(allowed, 0) if allowed else np.ones(labels.num_parts)


def part_factors(
    labels: LabelSet, words: Words, shares: Float[np.ndarray, " p"]
) -> Float[np.ndarray, " p"]:
    """Return how much likelier known garments make each part of a photo; 0 where it cannot be.

    By Bayes' rule: a teacher's probabilities suppose that any photo may show a hat. If one in nine
    does, a hat is nine times as likely where one is known to be, and impossible elsewhere.
    Measured on 88 photos of CCP that the teacher had not seen, their garments taken from their
    label maps: mean IoU of the labeled pixels 71.9 with the impossible ruled out, 75.4 by this
    rule; scarves .11 and .24, hats .63 and .75.
    """
    if words is None:
        return np.ones(labels.num_parts)
    allowed = np.array(allowed_parts(labels, words))
    return np.divide(allowed, shares, out=np.zeros(labels.num_parts), where=allowed)


def apply_label_maps(
    probabilities: Float[np.ndarray, "p h w"],
    labels: LabelSet,
    known: Mapping[str, UInt8[np.ndarray, "h w"]],
) -> Float[np.ndarray, "p h w"]:
    """Rule out the parts that label maps of the photo, in any of the shipped sets, contradict.

    Args:
        probabilities: Of each part of `labels` at each pixel.
        labels: The label set of the pseudo labels.
        known: Label maps by the name of their label set; 255 rules nothing out.
    """
    for name, label_map in known.items():
        other = LABEL_SETS[name]
        possible = np.ones((256, labels.num_parts), np.float32)
        possible[: other.num_parts] = together(other, labels)
        probabilities = probabilities * possible[label_map].transpose(2, 0, 1)
    return probabilities


def pseudo_label_map(
    probabilities: Float[np.ndarray, "p h w"],
    factors: Float[np.ndarray, " p"],
    person: UInt8[np.ndarray, "h w"] | None,
    confidence: float,
    lost: Float[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "h w"]:
    """Label the pixels of which the teacher is certain, given what is known of the photo.

    What a ruled out part had goes to the parts that remain, each by what it has itself: where the
    photo has no dress, what looks like a dress and a little like a skirt is a skirt.

    Args:
        probabilities: Of each part at each pixel, adding up to 1.
        factors: How much likelier each part is on this photo than on any other; 0 where it cannot
            be. The background can.
        person: 1 where there is a person, 0 where there is none, 255 where it is unknown; None
            if it is unknown everywhere.
        confidence: Probability, in [0, 1], below which a pixel is ignored.
        lost: Probability of the teacher's parts that have no counterpart here; together with the
            others it adds up to 1. Where it is the largest, the pixel is ignored.
    """
    open_to = np.asarray(probabilities, np.float32) * np.asarray(factors, np.float32)[:, None, None]
    if person is not None:
        open_to[BACKGROUND, person == PERSON] = 0
    best = open_to.argmax(0)
    most, total = open_to.max(0), open_to.sum(0)
    if lost is not None:
        total = total + lost
    certain = (most > 0) & (most >= confidence * total)
    if lost is not None:
        certain &= most >= lost
    label_map = np.where(certain, best, IGNORE).astype(np.uint8)
    if person is not None:
        label_map[person == NO_PERSON] = BACKGROUND
    return label_map
