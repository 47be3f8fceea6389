"""An evaluation that no network took part in: label maps that are wrong in known ways."""

from dataclasses import dataclass

import numpy as np

from grapy_cli.evaluate.records import Case, EvalReport, PhotoScore, Pictures, Result
from grapy_cli.labels import ATR, IGNORE, PASCAL, LabelSet, Level
from grapy_cli.metrics.calibration import NUM_BINS, calibration_of, count_confidences
from grapy_cli.metrics.confusion import count_pairs
from grapy_cli.metrics.scores import lift_counts, scores_of
from tests.support.tiny import tiny_label_map, tiny_photo

CASE = Case("tiny", "none")


@dataclass(frozen=True)
class Evaluation:
    """What the page is made of."""

    report: EvalReport
    rows: list[PhotoScore]
    pictures: dict[tuple[str, str], Pictures]

    def look(self, row: PhotoScore) -> Pictures:
        return self.pictures[row.dataset, row.photo]


def tiny_evaluation(
    *label_sets: LabelSet, photos: int = 4, calibrated: bool = True, key: str = "photo {}"
) -> Evaluation:
    """Score drawn photos: from one to the next more of the parsing is another photo's."""
    results, rows, pictures = [], [], {}
    for labels in label_sets or (ATR, PASCAL):
        counts = np.zeros((labels.num_parts,) * 2, np.int64)
        bins = np.zeros((NUM_BINS, 3), np.int64)
        for seed in range(photos):
            name, seen = key.format(seed), _drawn(labels, seed)
            pictures[labels.name, name] = seen
            one = count_pairs(seen.label_map, seen.truth, labels.num_parts)
            counts += one
            rows.append(_row(labels, name, one))
            right = seen.label_map == seen.truth
            confidence = np.where(right, 0.9, 0.4).astype(np.float32)
            bins = bins + count_confidences(confidence, right, seen.truth != IGNORE)
        calibration = calibration_of(bins) if calibrated else None
        results += [_result(labels, level, photos, counts, calibration) for level in (3, 2, 1)]
    protocol = {"split": "val", "data": {"list_sha256": "0f" * 32}}
    return Evaluation(EvalReport(results, protocol, {}, [{"name": "tiny"}]), rows, pictures)


def _drawn(labels: LabelSet, seed: int) -> Pictures:
    truth = tiny_label_map(labels, seed)
    label_map = truth.copy()
    label_map[: 12 * seed] = tiny_label_map(labels, seed + 100)[: 12 * seed]
    label_map[label_map == IGNORE] = 0
    return Pictures(tiny_photo(labels, truth), truth, label_map)


def _row(labels: LabelSet, name: str, counts: np.ndarray) -> PhotoScore:
    scores = scores_of(counts, labels.names)
    parts = {part: score.iou for part, score in scores.parts.items() if score.iou is not None}
    wrong = counts.sum(0) + counts.sum(1) - 2 * np.diag(counts)
    return PhotoScore(
        CASE,
        labels.name,
        name,
        scores.mean_iou,
        scores.pixel_accuracy,
        parts,
        {part: int(wrong[labels.names.index(part)]) for part in parts},
    )


def _result(labels, level, photos, counts, calibration) -> Result:
    nodes = labels.nodes(level)
    lifted = lift_counts(counts, labels.lift(level), len(nodes))
    whole = level == Level.PART
    scores = scores_of(
        lifted, [node.name for node in nodes], mirror_ids=labels.mirror_ids if whole else ()
    )
    interval = {"mean_iou": (scores.mean_iou - 0.01, scores.mean_iou + 0.02)} if photos else {}
    return Result(
        CASE,
        labels.name,
        "val",
        level,
        labels,
        photos,
        [{"photo": "gone", "reason": "it is no picture"}],
        lifted,
        scores,
        interval,
        calibration if whole else None,
    )
