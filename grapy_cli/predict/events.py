"""Events of parsing photos."""

from dataclasses import dataclass

from grapy_cli.runtime.reporting import Event


@dataclass(frozen=True)
class PhotoParsed(Event):
    """A photo is parsed and its files are written."""

    photo: str
    files: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class PhotoRejected(Event):
    """A photo could not be read or parsed; the next ones are."""

    photo: str
    reason: str
