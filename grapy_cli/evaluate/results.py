"""From what was counted to results."""

from collections.abc import Iterator

from grapy_cli.evaluate.records import Case, Result
from grapy_cli.evaluate.scorebook import Tallies
from grapy_cli.evaluate.tally import Tally
from grapy_cli.labels import Level
from grapy_cli.metrics.bootstrap import intervals_of
from grapy_cli.metrics.calibration import calibration_of
from grapy_cli.metrics.scores import scores_of


def results_of(tallies: Tallies, split: str | None) -> Iterator[Result]:
    """Score each case and data set at levels 3, 2 and 1, the coarse ones from the parts' counts."""
    for (case, dataset), tally in tallies.items():
        for level in sorted(Level, reverse=True):
            yield _result(case, dataset, tally, split, level)


def _result(case: Case, dataset: str, tally: Tally, split: str | None, level: Level) -> Result:
    labels = tally.label_set
    counts = tally.lifted(tally.counts, level)
    names = [node.name for node in labels.nodes(level)]
    is_parts = level == Level.PART
    return Result(
        case=case,
        dataset=dataset,
        split=split,
        level=int(level),
        label_set=labels,
        photos=tally.photos,
        skipped=tally.skipped,
        counts=counts,
        scores=scores_of(
            counts,
            names,
            boundary=tally.boundary[level],
            mirror_ids=labels.mirror_ids if is_parts else (),
        ),
        interval=intervals_of(tally.replicates[level]),
        calibration=calibration_of(tally.bins) if is_parts else None,
    )
