"""What happens while photos are parsed."""

from dataclasses import dataclass

from grapy_cli.runtime.reporting import Event


@dataclass(frozen=True)
class PhotoParsed(Event):
    """A photo is parsed and everything asked for is written."""

    photo: str
    files: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class PhotoRejected(Event):
    """A photo could not be read or parsed; the work goes on with the next."""

    photo: str
    reason: str
