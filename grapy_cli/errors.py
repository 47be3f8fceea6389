"""Everything a user can do wrong or run into, as one tree of errors with exit codes.

GrapyError 1
├── SettingsError 2     a value is wrong; the message names where it came from
├── DatasetError 3      missing, unreadable or inconsistent data
├── WeightsError 4      a weights file that does not fit or cannot be read
├── PhotoError 5        a photo that cannot be read, a mask that cannot be written
├── DeviceError 6       a device that is absent or out of memory
├── DivergedError 7     a loss that is no longer finite
└── BaselineError 8     a score below the baseline
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class GrapyError(Exception):
    """A failure with a sentence for the user.

    Args:
        message: What is wrong and where, with the values concerned.
        hint: What to type next; empty where nothing sensible can be said.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(GrapyError, ValueError):
    """A setting or an argument has a value that cannot be used."""

    exit_code = 2


class DatasetError(GrapyError, ValueError):
    """A data set is missing, unreadable or contradicts itself."""

    exit_code = 3


class WeightsError(GrapyError, ValueError):
    """A weights file cannot be read, or fits neither network nor label set."""

    exit_code = 4


class PhotoError(GrapyError, ValueError):
    """A photo cannot be read, or its mask cannot be written."""

    exit_code = 5


class DeviceError(GrapyError, RuntimeError):
    """The device that was asked for is absent or out of memory."""

    exit_code = 6


class DivergedError(GrapyError, RuntimeError):
    """The training loss is no longer a finite number."""

    exit_code = 7


class BaselineError(GrapyError, RuntimeError):
    """A score fell below the baseline it is held to."""

    exit_code = 8


class InterruptedRun(GrapyError):  # noqa: N818 - a wish of the user's, not an error
    """Ctrl-C or SIGTERM arrived; what was done so far is saved."""

    exit_code = 130


@contextmanager
def said_of(what: str) -> Iterator[None]:
    """Put what an error is about before its message, as the option that named a file."""
    try:
        yield
    except GrapyError as error:
        raise type(error)(f"{what}: {error.message}", hint=error.hint) from error
