"""Everything the audit looks for, by name: one row each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from grapy_cli.data.layout import Problem, Severity
from grapy_cli.errors import DatasetError


class Check(NamedTuple):
    """One thing that can be wrong with a release.

    What is rejected is left out; a warning is kept, and somebody should look at it; a note is
    harmless here, because `grapy` deals with it. `--strict` minds the first two.
    """

    severity: Severity
    says: str


# fmt: off
CHECKS: Mapping[str, Check] = MappingProxyType({
    "missing-photo":      Check("rejected", "listed, but there is no photo"),
    "missing-label":      Check("rejected", "listed, but there is no label map"),
    "bad-name":           Check("rejected", "its name cannot stand in a list"),
    "same-key":           Check("rejected", "another photo has the same key"),
    "unreadable-photo":   Check("rejected", "the photo is no picture"),
    "truncated-photo":    Check("rejected", "the photo ends too early, or is damaged"),
    "unreadable-label":   Check("rejected", "the label map is no picture"),
    "truncated-label":    Check("rejected", "the label map ends too early, or is damaged"),
    "size-differs":       Check("rejected", "photo and label map differ in size"),
    "foreign-ids":        Check("rejected", "the label map has ids that are no parts"),
    "colours":            Check("rejected", "the label map has colours where ids belong"),
    "nobody":             Check("warning",  "the label map shows nobody"),
    "in-two-splits":      Check("warning",  "the same photo is in two splits"),
    "duplicate-photo":    Check("warning",  "the same photo is there twice"),
    "mirrored-differs":   Check("warning",  "the mirrored annotation is another one"),
    "mirrored-unreadable": Check("warning", "the mirrored annotation cannot be used"),
    "no-person":          Check("note",     "the annotation has no person: left out"),
    "exif-rotated":       Check("note",     "the photo is stored lying, and turned by its EXIF"),
    "surplus-photos":     Check("note",     "photos without a label map"),
    "surplus-labels":     Check("warning",  "label maps without a photo"),
    "unlisted":           Check("note",     "photos with labels that are in no list"),
})
# fmt: on


class BadSample(DatasetError):  # noqa: N818 - it is the sample that is bad
    """A sample that cannot be used, with the name of what is wrong with it."""

    def __init__(self, problem: str, reason: str) -> None:
        super().__init__(reason)
        self.problem = problem


def found(problem: str, split: str, key: str, reason: str = "") -> Problem:
    """Make the row of a problem; without a reason it says what the table says."""
    check = CHECKS[problem]
    return Problem(check.severity, problem, split, key, reason or check.says)
