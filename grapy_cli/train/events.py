"""What happens while a network is trained."""

from dataclasses import dataclass, field

from grapy_cli.runtime.reporting import Event


@dataclass(frozen=True)
class RunStarted(Event):
    """Everything is built and the first step is about to be made."""

    folder: str
    stage: str
    datasets: dict[str, int]
    """Training photos per data set."""
    parameters: int
    steps: int
    """Steps of the whole run, those already made included."""
    first_step: int


@dataclass(frozen=True)
class StepDone(Event):
    """One optimizer update was made."""

    step: int
    total: int
    epoch: int
    datasets: tuple[str, ...]
    losses: dict[str, float]
    lr: float
    photos_per_second: float


@dataclass(frozen=True)
class EpochScored(Event):
    """The network was scored on the val split of each data set."""

    epoch: int
    step: int
    mean_iou: dict[str, float]
    """Level-3 mean IoU per data set, in [0, 1]."""
    best: bool = field(default=False)


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A complete checkpoint lies on disk."""

    folder: str
    step: int
