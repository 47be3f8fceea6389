"""The stages of the paper's training: each is a row of partial settings and nothing else.

Numbers: He et al. 2020, Implementation Details (learning rates, epochs, fine-tuning for 30).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

PartialSettings = Mapping[str, Mapping[str, Any]]


class StageRow(NamedTuple):
    """The defaults of a stage, or of a stage on certain data sets."""

    stage: str
    datasets: frozenset[str]
    """Exactly the data sets that a run names; empty for a row that holds for all."""
    settings: PartialSettings

    @property
    def origin(self) -> str:
        """The name of the row, as the origin of its values."""
        on = f" on {','.join(sorted(self.datasets))}" if self.datasets else ""
        return f"stage {self.stage}{on}"


STAGES = (
    StageRow("pretrain", frozenset(), {"train": {"refine": False, "lr": 7e-3, "epochs": 100}}),
    StageRow("joint", frozenset(), {"train": {"refine": True, "lr": 7e-4, "epochs": 100}}),
    # The paper's GPM without mutual learning: the smallest data set takes twice the epochs.
    StageRow("joint", frozenset({"pascal"}), {"train": {"epochs": 200}}),
    StageRow("finetune", frozenset(), {"train": {"refine": True, "lr": 7e-4, "epochs": 30}}),
)
"""A later row wins over an earlier one."""

STAGE_BEFORE: Mapping[str, str] = MappingProxyType({"joint": "pretrain", "finetune": "joint"})
"""The stage before each stage: it starts from those weights."""


def stage_rows(stage: object, datasets: Iterable[str]) -> list[StageRow]:
    """Return the rows that hold for a run, general ones first.

    Args:
        stage: As it was given; an unknown one has no rows.
        datasets: As they were named; empty if the run takes all prepared ones.
    """
    named = frozenset(datasets)
    return [row for row in STAGES if row.stage == stage and row.datasets in (frozenset(), named)]
