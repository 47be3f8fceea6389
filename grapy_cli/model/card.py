"""The tables on a weights card; people write them as TOML, so they are checked."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    ValidationError,
)

Ratio = Annotated[float, Field(ge=0, le=1)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataRow(_Row):
    """A data set that was trained on."""

    name: str
    """Name of the data set."""
    photos: NonNegativeInt
    """Number of photos that were used."""
    used_for: str
    """Purpose: training, backgrounds, ..."""
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
    """Wall time."""
    machine: str = ""
    """The machine it ran on."""


class Measurement(_Row):
    """A result besides those of `grapy eval`: on other photos, or with another measure."""

    name: str
    """What it was measured on: "coco128, person"."""
    what: str
    """The measure: "person IoU"."""
    value: Ratio
    """The result."""
    interval: tuple[Ratio, Ratio] | None = None
    """95 % interval."""
    photos: NonNegativeInt | None = None
    """Number of photos it was measured on."""
    command: str = ""
    """Command that measures it again."""


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


def first_fault(error: ValidationError) -> str:
    """Return the first fault that pydantic found in a table, after its place in it."""
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
