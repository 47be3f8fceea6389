"""The tables on a weights card: whoever fills them in writes TOML, so they are checked."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt

Ratio = Annotated[float, Field(ge=0, le=1)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRow(_Row):
    """Photos that a training saw."""

    name: str
    """What the set is called."""
    photos: NonNegativeInt
    """How many of it were used."""
    used_for: str
    """What for: training, backgrounds, ..."""
    licence: str
    """Terms of the photos and their labels."""


class RecipeRow(_Row):
    """One run of the training."""

    settings: str
    """The file to repeat it with."""
    stage: str
    """pretrain, joint or finetune."""
    epochs: NonNegativeFloat
    """Passes over the data."""
    crops: NonNegativeInt
    """Training samples seen."""
    hours: NonNegativeFloat
    """By the clock."""
    machine: str = ""
    """What it ran on."""


class Measurement(_Row):
    """A result beside those of `grapy eval`: of other photos, by another measure."""

    name: str
    """Of what it was measured on: "coco128, person"."""
    what: str
    """The measure: "person IoU"."""
    value: Ratio
    """The result."""
    interval: tuple[Ratio, Ratio] | None = None
    """Between which it lies with 95 % certainty."""
    photos: NonNegativeInt | None = None
    """How many it was measured on."""
    command: str = ""
    """What to type to measure it again."""
