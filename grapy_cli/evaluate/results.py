"""Turn counts into results."""

from collections.abc import Iterator

from grapy_cli.evaluate.evaluator import AllCounts
from grapy_cli.evaluate.records import Result
from grapy_cli.labels import Level
from grapy_cli.metrics.bootstrap import intervals_of
from grapy_cli.metrics.calibration import calibration_of
from grapy_cli.metrics.scores import scores_of


def results_of(all_counts: AllCounts, split: str | None) -> Iterator[Result]:
    """Score each case and data set at levels 3, 2 and 1, all from the counts of parts."""
    for (case, dataset), totals in all_counts.items():
        for level in sorted(Level, reverse=True):
            labels, counts = totals.label_set, totals.lifted(totals.counts, level)
            is_parts = level == Level.PART
            scores = scores_of(
                counts,
                [node.name for node in labels.nodes(level)],
                boundary=totals.boundary[level],
                mirror_ids=labels.mirror_ids if is_parts else (),
            )
            yield Result(
                case=case,
                dataset=dataset,
                split=split,
                level=int(level),
                label_set=labels,
                photos=totals.photos,
                skipped=totals.skipped,
                counts=counts,
                scores=scores,
                interval=intervals_of(totals.replicates[level]),
                calibration=calibration_of(totals.bins) if is_parts else None,
            )
