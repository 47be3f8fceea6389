"""The results of an evaluation as plain values: of data sets, and of each photo."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from grapy_cli.labels import LabelSet, Node
from grapy_cli.metrics.calibration import Calibration
from grapy_cli.metrics.scores import Scores


@dataclass(frozen=True)
class Case:
    """What is scored and how; results have a row for each case, data set and level."""

    parser: str
    """Name of the weights, or of the folder of masks."""
    tta: str | None = None
    """Test-time augmentation; None for masks."""
    protocol: str = "strict"
    """Which arithmetic: strict, or reference."""

    def __str__(self) -> str:
        """Return the case in a few words, without the defaults."""
        tta = self.tta if self.tta != "none" else None
        protocol = self.protocol if self.protocol != "strict" else None
        return ", ".join(word for word in (self.parser, tta, protocol) if word)


@dataclass(frozen=True)
class PhotoScore:
    """The scores of one photo at level 3."""

    case: Case
    dataset: str
    photo: str
    """Its key, or a mask's relative path without ending."""
    mean_iou: float | None
    pixel_accuracy: float | None
    parts: Mapping[str, float]
    """IoU of each part that is in the truth or in the parsing."""
    wrong: Mapping[str, int] = field(default_factory=dict)
    """Wrong pixels of each of these parts, missed or added; they rank parts of equal IoU."""


@dataclass(frozen=True)
class Result:
    """The scores of one case on one data set at one level."""

    case: Case
    dataset: str
    split: str | None
    level: int
    label_set: LabelSet
    photos: int
    skipped: list[dict[str, str]]
    """Photos left out: `photo` and `reason`."""
    counts: Int64[np.ndarray, "n n"]
    """Pixels by true node (rows) and parsed node."""
    scores: Scores
    interval: Mapping[str, tuple[float, float]]
    """95 % bootstrap interval over photos, by the name of the score; empty without photos."""
    calibration: Calibration | None
    """At level 3 only; None for masks."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Names and colors, in the order of the counts."""
        return self.label_set.nodes(self.level)

    @property
    def ece(self) -> float | None:
        """Expected calibration error in [0, 1]; None without confidences."""
        return self.calibration.ece if self.calibration else None

    def to_json(self) -> dict[str, Any]:
        """Return the result as an entry of the JSON, without the counts."""
        scores = asdict(self.scores)
        return {
            "dataset": self.dataset,
            "split": self.split,
            "level": self.level,
            **asdict(self.case),
            "photos": self.photos,
            "skipped": self.skipped,
            **{name: score for name, score in scores.items() if name != "parts"},
            "interval": {name: list(ends) for name, ends in self.interval.items()},
            "calibration": asdict(self.calibration) if self.calibration else None,
            "parts": scores["parts"],
        }


@dataclass(frozen=True)
class EvalReport:
    """All results of a run, and how and of what they were measured."""

    results: list[Result]
    protocol: dict[str, Any]
    weights: dict[str, Any]
    """Facts of the first weights file; empty for masks."""
    parsers: list[dict[str, Any]] = field(default_factory=list)
    """Everything that was scored; weights files with their cards."""

    def to_json(self) -> dict[str, Any]:
        """Return the report as `grapy eval --json` prints it; equal files give equal text."""
        return {
            "results": [result.to_json() for result in self.results],
            "protocol": self.protocol,
            "weights": self.weights,
            "parsers": self.parsers,
        }


@dataclass(frozen=True)
class Pictures:
    """The pictures of one photo, all of the same size."""

    photo: UInt8[np.ndarray, "h w 3"] | None
    """None where masks were scored and their photos are not known."""
    truth: UInt8[np.ndarray, "h w"]
    label_map: UInt8[np.ndarray, "h w"]
    """The parsing, or the mask."""


Look = Callable[[PhotoScore], Pictures]
"""Reads the pictures of a photo from their files, one photo at a time."""
