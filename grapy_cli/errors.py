"""The errors that a user can meet, each with the exit code of a command that ends by it."""

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
    """A setting or an argument has an invalid value; the message names its origin."""

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
