"""What happens while a data set is prepared."""

from dataclasses import dataclass, field
from typing import Any

from grapy_cli.runtime.reporting import Event


@dataclass(frozen=True)
class SampleRejected(Event):
    """A photo or its labels cannot be used; the reason stands in problems.csv as well."""

    key: str
    split: str
    reason: str


@dataclass(frozen=True)
class DatasetPrepared(Event):
    """A data set is complete: `dataset.json` has been written."""

    name: str
    folder: str
    photos: dict[str, int]
    """Photos per split."""
    rejected: int
    audit: dict[str, Any] = field(default_factory=dict, compare=False)
    """The figures of `dataset.json`; empty where it was complete already."""
