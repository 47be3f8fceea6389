"""Turn what the machine refuses into errors with a sentence: a full disk, a missing library.

Commands report the cases that they know more about; this is for the rest. Any other exception is a
defect of ours and keeps its traceback.
"""

import errno
from collections.abc import Mapping

from grapy_cli.errors import DeviceError, GrapyError, SettingsError

_ROOM = "Free some disk space; temporary files go to the folder in TMPDIR."
_RIGHTS = "Use a folder that you may write to."
_OPEN_FILES = "Close other programs, or allow more open files: ulimit -n 4096."

_HINTS: Mapping[int, str] = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EROFS: _RIGHTS,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EMFILE: _OPEN_FILES,
    errno.ENFILE: _OPEN_FILES,
    errno.EIO: "The disk or its network connection fails: see the system log.",
}
"""Hints by error number; other numbers may be defects of ours."""

# Libraries that OpenCV shows windows with: servers and containers have none.
_WINDOWS = ("libGL", "libgthread", "libglib", "libSM", "libXext", "libXrender")
_HEADLESS = "pip uninstall opencv-python && pip install opencv-python-headless"


def grapy_error_of(error: Exception) -> GrapyError | None:
    """Return an error for what the machine refused; None if it may be a defect of ours."""
    match error:
        case OSError(errno=int(number)) if number in _HINTS:
            return SettingsError(f"the system refuses: {error}", hint=_HINTS[number])
        case _ if _lacks_memory(error):
            return DeviceError(
                "this process does not have enough memory",
                hint="Close other programs, or allow it more: ulimit -v, or the container's limit.",
            )
        case ModuleNotFoundError(name=str(name)) if not name.startswith("grapy_cli"):
            return SettingsError(
                f"the package {name} is not installed", hint="`grapy doctor` says what is missing."
            )
        case ImportError() if "shared object" in str(error):
            return SettingsError(
                f"a library of the system is missing: {error}", hint=hint_of_import(error)
            )
        case _:
            return None


def _lacks_memory(error: Exception) -> bool:
    is_library = isinstance(error, ImportError) and "failed to map segment" in str(error)
    return is_library or isinstance(error, MemoryError)


def hint_of_import(error: Exception) -> str:
    """Return a hint for a package that cannot be loaded; empty for unknown causes."""
    if any(library in str(error) for library in _WINDOWS):
        return f"OpenCV needs it only to show windows, which grapy does not: {_HEADLESS}"
    return ""
