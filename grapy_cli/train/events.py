"""The events of a training run."""

from dataclasses import dataclass

from grapy_cli.runtime.reporting import Event


@dataclass(frozen=True)
class RunStarted(Event):
    """A run is built and starts its first step."""

    folder: str
    stage: str
    datasets: dict[str, int]
    """Training photos per data set."""
    parameters: int
    steps: int
    """Steps of the whole run, including those already made."""
    first_step: int


@dataclass(frozen=True)
class PhotosLabeled(Event):
    """Photos for self-training were labeled."""

    photos: int
    rejected: int
    """Photos that could not be read."""
    by: str
    """What labeled them: the teacher, or the run itself."""
    shares: dict[str, dict[str, float]]
    """Share of all their pixels that each part got, by data set, in [0, 1]; what is missing to 1
    is ignored."""


@dataclass(frozen=True)
class StepDone(Event):
    """One optimizer update was made."""

    step: int
    total: int
    epoch: int
    """Counted from 0, as in all events; messages count from 1."""
    datasets: tuple[str, ...]
    losses: dict[str, float]
    """Of this step, by data set and kind: "atr/main"."""
    lr: float
    photos_per_second: float
    """Over the last steps and all processes, as the next three."""
    waited: float
    """Share of the time spent waiting for data."""
    seconds_left: float
    """For the steps that are left, without scorings."""
    memory: int | None
    """Peak GPU memory of tensors so far, bytes; None on the CPU."""


@dataclass(frozen=True)
class EpochScored(Event):
    """The network was scored on the val split of each data set."""

    epoch: int
    step: int
    mean_iou: dict[str, float]
    """Level-3 mean IoU per data set, in [0, 1]."""
    best: bool = False


@dataclass(frozen=True)
class CheckpointSaved(Event):
    """A checkpoint was saved."""

    folder: str
    step: int


@dataclass(frozen=True)
class Diverged(Event):
    """A loss or a parameter is not finite."""

    step: int
    epoch: int
    what: str
    lr: float
    datasets: tuple[str, ...]
    """Of the step, as photos and losses; none where its loss was finite, but not what it left."""
    photos: list[list[str]]
    """Keys of the photos, a list for each process."""
    losses: dict[str, float | str]
    """By data set and kind; "nan", "inf" and "-inf" are words."""
