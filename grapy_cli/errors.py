"""The errors that a user can meet, as one tree with exit codes.

GrapyError 1
├── SettingsError 2     a value is invalid; the message names its origin
├── DatasetError 3      missing, unreadable or inconsistent data
├── WeightsError 4      a weights file that does not fit or cannot be read
├── PhotoError 5        a photo that cannot be read, a mask that cannot be written
├── DeviceError 6       a device that is absent or out of memory
├── DivergedError 7     a loss that is not finite
└── BaselineError 8     a score below the baseline
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class GrapyError(Exception):
    """An error with a sentence for the user.

    Args:
        message: What is wrong and where, with the values concerned.
        hint: What to type next; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(GrapyError, ValueError):
    """A setting or an argument has an invalid value."""

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
    """The training loss is not finite."""

    exit_code = 7


class BaselineError(GrapyError, RuntimeError):
    """A score is below the baseline."""

    exit_code = 8


class InterruptedRun(GrapyError):  # noqa: N818 - not an error
    """Ctrl-C or SIGTERM arrived; what was done so far is saved."""

    exit_code = 130


def install_extra(extra: str) -> str:
    """Return the command that installs an extra, or several with commas between.

    It needs a clone: the project is on no package index yet.
    """
    return f"In grapy's repository: pip install '.[{extra}]'"


@contextmanager
def said_of(what: str) -> Iterator[None]:
    """Put the subject of an error before its message, such as the option that named a file."""
    try:
        yield
    except GrapyError as error:
        raise type(error)(f"{what}: {error.message}", hint=error.hint) from error


def first_line(error: Exception) -> str:
    """Return the first line of an error of another library, whose further lines are details."""
    return str(error).strip().partition("\n")[0]
