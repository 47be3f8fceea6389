"""The numbers of an evaluation, with what is needed to check them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from grapy_cli.evaluate.scoring import Tally
from grapy_cli.labels import LabelSet, Level
from grapy_cli.metrics.scores import lift_counts, scores_of


@dataclass(frozen=True)
class EvalReport:
    """One result per data set and level, how they were measured, and of what."""

    results: list[dict[str, Any]]
    protocol: dict[str, Any]
    weights: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The report as `grapy eval --json` prints it."""
        return asdict(self)


def results_of(tally: Tally, label_set: LabelSet, split: str | None) -> list[dict[str, Any]]:
    """Score one data set at levels 3, 2 and 1; the coarse ones from the parts' own counts."""
    return [_result(tally, label_set, split, level) for level in sorted(Level, reverse=True)]


def _result(tally: Tally, label_set: LabelSet, split: str | None, level: Level) -> dict[str, Any]:
    names = [node.name for node in label_set.nodes(level)]
    scores = scores_of(lift_counts(tally.counts, label_set.lift(level), len(names)), names)
    parts: Mapping[str, Any] = {name: asdict(part) for name, part in scores.parts.items()}
    return {
        "dataset": label_set.name,
        "split": split,
        "level": int(level),
        "photos": tally.photos,
        "skipped": tally.skipped,
        "mean_iou": scores.mean_iou,
        "mean_accuracy": scores.mean_accuracy,
        "pixel_accuracy": scores.pixel_accuracy,
        "weighted_iou": scores.weighted_iou,
        "parts": parts,
    }
