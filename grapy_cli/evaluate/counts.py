"""Count photos in integers, which add up to the same in any order and on any machine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from grapy_cli.image_io.label_maps import look_up
from grapy_cli.labels import LabelSet, Level
from grapy_cli.metrics.bootstrap import NUM_REPLICATES, replicate_weights
from grapy_cli.metrics.boundary import count_boundaries
from grapy_cli.metrics.calibration import NUM_BINS, Bins, count_confidences
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.reference import SKIPPED, count_pairs_as_reference, fit_to_truth
from grapy_cli.metrics.scores import lift_counts, totals_of

LabelMap = UInt8[np.ndarray, "h w"]
Counts = Int64[np.ndarray, "p p"]


@dataclass(frozen=True)
class PhotoCounts:
    """The counts of one photo."""

    counts: Counts
    """Pixels by true part (rows) and parsed part."""
    boundary: Mapping[int, Int64[np.ndarray, "3 _n"]]
    """By level, the result of `count_boundaries`."""
    bins: Bins | None
    """The result of `count_confidences`; None for masks, which have no confidence."""


@dataclass
class DatasetCounts:
    """The counts of one data set."""

    label_set: LabelSet
    counts: Counts = field(init=False)
    boundary: dict[int, Int64[np.ndarray, "3 _n"]] = field(init=False)
    bins: Bins = field(init=False)
    replicates: dict[int, Int64[np.ndarray, "1000 3 _n"]] = field(init=False)
    """By level, the totals of each bootstrap replicate."""
    photos: int = 0
    skipped: list[dict[str, str]] = field(default_factory=list)
    """Photos that cannot be scored, each with its reason."""

    def __post_init__(self) -> None:
        sizes = {int(level): len(self.label_set.nodes(level)) for level in Level}
        self.counts = _zeros(self.label_set.num_parts, self.label_set.num_parts)
        self.boundary = {level: _zeros(3, size) for level, size in sizes.items()}
        self.bins = _zeros(NUM_BINS, 3)
        self.replicates = {level: _zeros(NUM_REPLICATES, 3, size) for level, size in sizes.items()}

    def add(self, key: str, photo: PhotoCounts) -> None:
        """Add a photo. Its key sets how often it counts in each bootstrap replicate."""
        self.photos += 1
        self.counts += photo.counts
        weights = replicate_weights(key)[:, None, None]
        for level, boundary in photo.boundary.items():
            self.boundary[level] += boundary
            self.replicates[level] += weights * totals_of(self.lifted(photo.counts, level))
        if photo.bins is not None:
            self.bins += photo.bins

    def lifted(self, counts: Counts, level: int) -> Int64[np.ndarray, "n n"]:
        """Return the counts at a level."""
        labels = self.label_set
        return lift_counts(counts, labels.lift(level), len(labels.nodes(level)))

    def arrays(self) -> Iterator[Int64[np.ndarray, "..."]]:
        """Give all arrays that several processes add up."""
        yield from (self.counts, self.bins, *self.boundary.values(), *self.replicates.values())


def count_photo(
    label_map: LabelMap,
    truth: UInt8[np.ndarray, "u v"],
    labels: LabelSet,
    *,
    key: str = "",
    protocol: str = "strict",
    confidence: Float32[np.ndarray, "h w"] | None = None,
) -> PhotoCounts:
    """Count one photo by the arithmetic of a protocol.

    Raises:
        ValueError: If it cannot be counted; the message says why.
    """
    counts, fitted = PROTOCOLS[protocol](label_map, truth, labels.num_parts, key)
    boundary = {
        int(level): count_boundaries(
            _lift(fitted, labels, level), _lift(truth, labels, level), len(labels.nodes(level))
        )
        for level in Level
    }
    bins = None
    if confidence is not None:
        bins = count_confidences(confidence, fitted == truth, truth < labels.num_parts)
    return PhotoCounts(counts, boundary, bins)


def _count_strictly(
    label_map: LabelMap, truth: UInt8[np.ndarray, "u v"], num_parts: int, key: str
) -> tuple[Counts, LabelMap]:
    if label_map.shape != truth.shape:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (label_map.shape, truth.shape)]
        raise ValueError(f"the mask is {sizes[0]} pixels, the truth {sizes[1]}")
    return count_pairs(label_map, truth, num_parts), label_map


def _count_as_reference(
    label_map: LabelMap, truth: UInt8[np.ndarray, "u v"], num_parts: int, key: str
) -> tuple[Counts, UInt8[np.ndarray, "u v"]]:
    if SKIPPED in key:
        raise ValueError("the reference leaves this photo out")
    fitted = fit_to_truth(label_map, truth)
    return count_pairs_as_reference(fitted, truth, num_parts), fitted


PROTOCOLS = {"strict": _count_strictly, "reference": _count_as_reference}
"""Functions that return counts, and the label map at the size of the truth."""


def _lift(label_map: LabelMap, labels: LabelSet, level: Level) -> LabelMap:
    """Return parts as nodes of a level; ids that name no part become ignore."""
    return look_up(label_map, labels.lift(level))


def _zeros(*shape: int) -> Int64[np.ndarray, "..."]:
    return np.zeros(shape, np.int64)
