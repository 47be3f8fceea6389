"""The tables on a weights card: whoever fills them in writes TOML, so they are checked."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

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


class PhotoInput(_Row):
    """How a photo becomes the input of a network that others trained, and its output logits."""

    height: Annotated[int, Field(ge=1, le=4096)]
    """Pixels."""
    width: Annotated[int, Field(ge=1, le=4096)]
    """Pixels."""
    fit: Literal["stretch", "letterbox"] = "stretch"
    """Stretch the photo to that size, or keep its shape, centered, with black beside it."""
    resample: Literal["bilinear", "bicubic", "lanczos", "box"] = "bilinear"
    """Filter that stretches; a letterbox is always bilinear."""
    channels: Literal["rgb", "bgr"] = "rgb"
    """Their order in the input."""
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    """Subtracted from values in [0, 1], in the order of the channels."""
    deviation: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (0.229, 0.224, 0.225)
    """Divides what remains."""
    output: NonNegativeInt = 0
    """Which of the network's outputs has the logits."""
    source: str = ""
    """Where these numbers come from."""
