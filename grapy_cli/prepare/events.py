"""Events of `grapy prepare`."""

from dataclasses import dataclass, field
from typing import Any

from grapy_cli.runtime.reporting import Event


@dataclass(frozen=True)
class SampleRejected(Event):
    """A photo or its label map cannot be used; problems.csv has the reason as well."""

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
    """The counts of `dataset.json`; empty if the data set was complete before."""
