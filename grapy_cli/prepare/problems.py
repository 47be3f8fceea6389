"""The table of all problems that the audit looks for."""

from collections.abc import Mapping
from typing import NamedTuple

from grapy_cli.data.layout import Problem, Severity
from grapy_cli.errors import DatasetError


class Check(NamedTuple):
    """One thing that can be wrong with a release.

    What is rejected is left out. A warning is kept, and a person should look at it. A note is
    harmless, because `grapy` deals with it. `--strict` counts the first two as errors.
    """

    severity: Severity
    says: str


# fmt: off
CHECKS: Mapping[str, Check] = {
    "missing-photo":      Check("rejected", "listed, but there is no photo"),
    "missing-label":      Check("rejected", "listed, but there is no label map"),
    "bad-name":           Check("rejected", "the name cannot be written in a list"),
    "same-key":           Check("rejected", "two files have the same name without suffix"),
    "unreadable-photo":   Check("rejected", "the photo is not a picture"),
    "truncated-photo":    Check("rejected", "the photo ends too early, or is damaged"),
    "unreadable-label":   Check("rejected", "the label map is not a picture"),
    "truncated-label":    Check("rejected", "the label map ends too early, or is damaged"),
    "size-differs":       Check("rejected", "photo and label map differ in size"),
    "foreign-ids":        Check("rejected", "the label map has ids that are not parts"),
    "ids-from-1":         Check("rejected", "the ids of the label map seem to start at 1"),
    "colors":             Check("rejected", "the label map has colors that are not parts"),
    "transparent":        Check("rejected", "the label map hides parts by transparency"),
    "no-parts":           Check("warning",  "the label map shows no part"),
    "palette-contradicts": Check("warning", "the palette has colors of other parts"),
    "label-turned-by-edges": Check("warning", "the label map was turned to fit its photo"),
    "coarse-differs":     Check("warning",  "groups or person contradict the parts"),
    "in-two-splits":      Check("warning",  "the same photo is in two splits"),
    "duplicate-photo":    Check("warning",  "the same photo is there twice"),
    "mirrored-differs":   Check("warning",  "the mirrored annotation differs"),
    "mirrored-unreadable": Check("warning", "the mirrored annotation cannot be used"),
    "surplus-labels":     Check("warning",  "label maps without a photo"),
    "no-person":          Check("note",     "the annotation has no person: left out"),
    "exif-rotated":       Check("note",     "the photo is turned upright by its EXIF orientation"),
    "label-unturned":     Check("note",     "the label map was turned like its photo"),
    "palette-order":      Check("note",     "the label map was read by its palette's colors"),
    "palette-foreign":    Check("note",     "the palette has other colors: ids were read"),
    "ids-as-colors":      Check("note",     "ids that are stored as colors were read as ids"),
    "one-bit":            Check("note",     "the label map has 1 bit: parts 0 and 1 only"),
    "clear-background":   Check("note",     "transparent pixels were read as background"),
    "surplus-photos":     Check("note",     "photos without a label map"),
    "unlisted":           Check("note",     "photos with labels that are in no list"),
}
# fmt: on


class BadSample(DatasetError):  # noqa: N818 - the sample is bad, not the program
    """A sample that cannot be used, with the name of its problem."""

    def __init__(self, problem: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem


def found(problem: str, split: str, key: str, reason: str = "") -> Problem:
    """Return the row of a problem; the reason defaults to the text of the table."""
    check = CHECKS[problem]
    return Problem(check.severity, problem, split, key, reason or check.says)
