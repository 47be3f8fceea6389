"""The stages of the paper's training: each one is a row of partial settings.

Numbers: He et al. 2020, Implementation Details (learning rates, epochs, fine-tuning for 30).
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class StageRow(NamedTuple):
    """The defaults of a stage, or of a stage on certain data sets."""

    stage: str
    datasets: frozenset[str]
    """Exactly the data sets that a run names; empty for a row that applies to all runs."""
    settings: Mapping[str, Mapping[str, Any]]

    @property
    def origin(self) -> str:
        """The name of the row in the origins of values."""
        on = f" on {','.join(sorted(self.datasets))}" if self.datasets else ""
        return f"stage {self.stage}{on}"


STAGES = (
    StageRow("pretrain", frozenset(), {"train": {"refine": False, "lr": 7e-3, "epochs": 100}}),
    StageRow("joint", frozenset(), {"train": {"refine": True, "lr": 7e-4, "epochs": 100}}),
    # The paper's GPM without mutual learning: the smallest data set takes twice the epochs.
    StageRow("joint", frozenset({"pascal"}), {"train": {"epochs": 200}}),
    StageRow("finetune", frozenset(), {"train": {"refine": True, "lr": 7e-4, "epochs": 30}}),
)
"""A later row overrides an earlier one."""

STAGE_BEFORE: Mapping[str, str] = {"joint": "pretrain", "finetune": "joint"}
"""The stage whose weights a stage starts from in the paper."""


def stage_rows(stage: object, datasets: Iterable[str]) -> list[StageRow]:
    """Return the rows that apply to a run, general ones first.

    Args:
        stage: The value given as the stage; an unknown one has no rows.
        datasets: Names of the data sets; none if the run takes all prepared ones.
    """
    named = frozenset(datasets)
    return [row for row in STAGES if row.stage == stage and row.datasets in (frozenset(), named)]
