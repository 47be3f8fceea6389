"""Add up the findings of all samples: the counts of a data set, and samples to look at."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from grapy_cli.data.layout import Problem
from grapy_cli.labels import LabelSet
from grapy_cli.labels.sides import unpaired_sides
from grapy_cli.prepare.finished import Finding
from grapy_cli.prepare.problems import found
from grapy_cli.prepare.stock import Entry

WORST_OF_EACH = 4


class Suspect(NamedTuple):
    """A sample that the report shows."""

    entry: Entry
    reason: str
    weight: int
    """Of samples with the same problem the report shows the heaviest."""


class Audit:
    """Adds up findings one after another; its memory grows only with the number of problems."""

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self.left_out: set[str] = set()
        self.problems: list[Problem] = []
        self.suspects: dict[str, list[Suspect]] = {}
        self.num_samples = 0
        self._seen: dict[bytes, tuple[str, str]] = {}
        self._pixels = np.zeros(labels.num_parts + 1, np.int64)
        self._photos = np.zeros(labels.num_parts + 1, np.int64)
        self._labeled = 0
        self._mirrored = _Mirrored(labels)

    def add(self, entry: Entry, finding: Finding) -> None:
        """Add the findings of one sample."""
        for problem, reason in finding.problems:
            self._note(entry, problem, reason, finding.differing)
        if finding.left_out:
            self.left_out.add(entry.key)
            return
        self.num_samples += 1
        self._look_for_twin(entry, finding)
        if finding.pixels is not None:
            counts = np.array(finding.pixels)
            self._pixels += counts
            self._photos += counts > 0
            self._labeled += 1
            if finding.has_mirrored:
                self._mirrored.add(counts, finding)

    def figures(self) -> dict[str, Any]:
        """Return all counts as plain values, for `dataset.json`."""
        pixels, photos = self._pixels.tolist(), self._photos.tolist()
        names = self.labels.names
        return {
            "samples": self.num_samples,
            "labeled": self._labeled,
            "parts": {
                name: {
                    "pixels": pixels[part],
                    "pixel_share": _share(pixels[part], sum(pixels[:-1])),
                    "photos": photos[part],
                    "photo_share": _share(photos[part], self._labeled),
                }
                for part, name in enumerate(names)
            },
            "ignored_pixels": pixels[-1],
            "balance": {
                f"{names[a]}, {names[b]}": {"left_share": _share(pixels[a], pixels[a] + pixels[b])}
                for a, b in enumerate(self.labels.mirror_ids)
                if a < b
            },
            "mirrored": self._mirrored.figures(),
        }

    def _note(self, entry: Entry, problem: str, reason: str, weight: int = 0) -> None:
        self.problems.append(found(problem, entry.split, entry.key, reason))
        shown = self.suspects.setdefault(problem, [])
        shown.append(Suspect(entry, reason, weight))
        shown.sort(key=lambda suspect: -suspect.weight)
        del shown[WORST_OF_EACH:]

    def _look_for_twin(self, entry: Entry, finding: Finding) -> None:
        split, key = self._seen.setdefault(bytes.fromhex(finding.digest), (entry.split, entry.key))
        if key != entry.key:
            problem = "duplicate-photo" if split == entry.split else "in-two-splits"
            self._note(entry, problem, f"the photo has the same bytes as {split}/{key}")


class _Mirrored:
    """Compares a release's mirrored annotations with mirrored label maps, over all photos."""

    def __init__(self, labels: LabelSet) -> None:
        self._labels = labels
        self._compared = self._alike = self._pixels = self._differing = 0
        self._counts = np.zeros((labels.num_parts, 3), np.int64)

    def add(self, counts: np.ndarray, finding: Finding) -> None:
        self._compared += 1
        self._alike += not finding.differing
        self._pixels += int(counts.sum())
        self._differing += finding.differing
        swapped = counts[list(self._labels.mirror_ids)]
        for part, name in enumerate(self._labels.names):
            self._counts[part] += finding.mirrored.get(name, [swapped[part]] * 3)

    def figures(self) -> dict[str, Any]:
        if not self._compared:
            return {}
        return {
            "compared": self._compared,
            "alike": self._alike,
            "pixels": self._pixels,
            "differing_pixels": self._differing,
            "parts": {
                name: {"mirroring_gives": gives, "release_has": has, "in_common": both}
                for name, (gives, has, both) in zip(
                    self._labels.names, self._counts.tolist(), strict=True
                )
            },
        }


def compare_published(
    listed: Mapping[str, int], published: Mapping[str, Sequence[int]]
) -> list[str]:
    """Return a sentence for each split whose number of photos differs from the papers."""
    counts = {"all": sum(listed.values()), **listed}
    sentences = []
    for split, numbers in published.items():
        if (count := counts.get(split, 0)) not in numbers:
            theirs = " or ".join(f"{number:,}" for number in numbers)
            name = "the whole release" if split == "all" else split
            sentences.append(f"{name}: {count:,} photos, the papers say {theirs}")
    return sentences


def count_problems(problems: Sequence[Problem]) -> dict[str, int]:
    """Count the rows of each problem, the most frequent first."""
    return dict(Counter(row.problem for row in problems).most_common())


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def remarks_on(figures: Mapping[str, Any], labels: LabelSet) -> Iterator[str]:
    """Yield a sentence for each finding that a person should check.

    Args:
        figures: As `dataset.json` has them.
    """
    problems, labeled = figures["problems"], figures["labeled"]
    if from_1 := problems.get("ids-from-1", 0):
        yield (
            f"label maps with the id {labels.num_parts}: {from_1}; if their ids start at 1, "
            "those of all other label maps are one too high as well: subtract 1"
        )
    elif labeled and not figures["parts"][labels.names[0]]["pixels"]:
        yield "no label map shows background, which is id 0: do the ids start at 1?"
    if labeled and problems.get("one-bit", 0) == labeled:
        unseen = ", ".join(labels.names[2:])
        yield f"all label maps have 1 bit: they show {labels.names[1]}, but never {unseen}"
    for left, right in unpaired_sides(labels):
        yield (
            f"{left} and {right} name no mirror: mirrored photos will keep left and right labels "
            f"as they are; add mirror = {left!r} and mirror = {right!r} to the label file"
        )
