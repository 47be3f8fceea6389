"""Find the photos that a command names, and name their results."""

import glob
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import UnidentifiedImageError

from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.image_io.lists import is_comment, is_header, list_entries, spellings
from grapy_cli.image_io.names import is_clutter, is_photo_name, normalized, numbered
from grapy_cli.image_io.photos import UNREADABLE, open_photo
from grapy_cli.safe_text import decode_text, read_text

STANDARD_INPUT = "-"

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".wmv", ".3gp"}
)
"""Named files with these suffixes are videos; folders are not searched for them."""


@dataclass(frozen=True)
class FoundPhoto:
    """One photo to parse, or one video."""

    source: Path | bytes
    """Its path, or its bytes from standard input."""
    relative: PurePosixPath
    """Its path below the folder that was searched; only its name if it was named itself."""

    @property
    def is_video(self) -> bool:
        """Whether its suffix is that of a video."""
        return isinstance(self.source, Path) and self.source.suffix.lower() in VIDEO_SUFFIXES

    def __str__(self) -> str:
        return str(self.source if isinstance(self.source, Path) else self.relative)


def find_photos(sources: Sequence[str], *, leave_out: Path) -> list[FoundPhoto]:
    """Find the named photos, each once, in order.

    Args:
        sources: Photos, folders, globs, `@list.txt` with one path a line, `-` for a photo or such a
            list on standard input.
        leave_out: The folder results go to; nothing in it is taken for a photo when a folder
            around it is searched.

    Raises:
        SettingsError: If something named is not there, or nothing is found at all, or a folder
            that is searched is the one results go to.
        PhotoError: If standard input is neither a photo nor a list.
    """
    found: dict[str, FoundPhoto] = {}
    for source in sources:
        for photo in _expand(source, leave_out.resolve()):
            found.setdefault(_identity(photo), photo)
    if not found:
        raise SettingsError(
            f"no photo found in {', '.join(sources)}",
            hint="Folders are searched for .jpg, .png, .webp and all formats of Pillow.",
        )
    return list(found.values())


def name_masks(photos: Sequence[FoundPhoto]) -> list[PurePosixPath]:
    """Choose for each photo the path of its results, without suffix, so that no two share one.

    Photos that differ only in their suffix keep it; those that still share a name (from different
    folders) get a number. Upper and lower case count as one, and so do the two ways to write an
    accent, as some file systems have it.
    """
    plain = [_without_suffix(photo.relative) for photo in photos]
    rivals = Counter(_folded(path) for path in plain)
    taken: set[str] = set()
    names = []
    for photo, path in zip(photos, plain, strict=True):
        first = path if rivals[_folded(path)] == 1 else photo.relative
        names_of_photo = (first.with_name(one) for one in numbered(first.name))
        name = next(one for one in names_of_photo if _folded(one) not in taken)
        taken.add(_folded(name))
        names.append(name)
    return names


def _without_suffix(path: PurePosixPath) -> PurePosixPath:
    # Without its suffix `..jpg` is the folder itself, and `...jpg` the one above.
    return path.with_suffix("") if path.stem.strip(".") else path


def _folded(path: PurePosixPath) -> str:
    return normalized(normalized(str(path)).casefold())


def _identity(photo: FoundPhoto) -> str:
    """Return the place of a photo; a link counts as another photo, with its own mask."""
    if isinstance(photo.source, Path):
        return os.path.normpath(photo.source.absolute())
    return str(photo.relative)


def _expand(source: str, leave_out: Path) -> Iterable[FoundPhoto]:
    if source == STANDARD_INPUT:
        return _read_standard_input(leave_out)
    if source.startswith("@"):
        return _read_list(Path(source[1:]), leave_out)
    path = Path(source)
    if _is(path.is_dir):
        return _search(path, leave_out)
    if _is(path.exists):
        return [FoundPhoto(path, PurePosixPath(path.name))]
    if glob.has_magic(source):
        return _match(source, leave_out)
    raise SettingsError(f"there is no photo or folder {source}")


def _is(asked: Callable[[], bool]) -> bool:
    """Ask a path that may be impossible: too long, or with a NUL byte."""
    try:
        return asked()
    except (OSError, ValueError):
        return False


def _search(folder: Path, leave_out: Path) -> Iterator[FoundPhoto]:
    if folder.resolve() == leave_out:
        raise SettingsError(
            f"--out is the folder with the photos, {folder}", hint="Use another folder for --out."
        )
    files, closed = _below(folder)
    for path in sorted(files | closed):
        relative = PurePosixPath(path.relative_to(folder))
        is_meant = is_photo_name(path.name) and path.is_file()
        if _is_hidden(relative) or not (is_meant or path in closed):
            continue
        if not _is_result(path, folder, leave_out):
            yield FoundPhoto(path, relative)


def _below(folder: Path) -> tuple[set[Path], set[Path]]:
    """Return all files below a folder, and the folders that cannot be read.

    The latter count as photos that cannot be read, so that nothing is left out silently. Links to
    folders are not followed.
    """
    closed: list[str] = []
    walk = os.walk(folder, onerror=lambda error: closed.append(error.filename))
    files = {Path(place, name) for place, _, names in walk for name in names}
    return files, set(map(Path, closed))


def _match(pattern: str, leave_out: Path) -> Iterator[FoundPhoto]:
    """Give the photos that match a glob, named by their path below its fixed part."""
    parts = Path(pattern).parts
    start = 0
    while start < len(parts) and _is(Path(*parts[: start + 1]).exists):
        start += 1
    base, rest = Path(*parts[:start]), PurePosixPath(*parts[start:])
    try:
        paths = [path for path in sorted(base.glob(str(rest))) if path.is_file()]
    except (ValueError, OSError, NotImplementedError) as error:
        raise SettingsError(f"{pattern} is not a valid glob: {error}") from error
    if not paths:
        raise SettingsError(f"nothing matches {pattern}")
    for path in paths:
        relative = PurePosixPath(path.relative_to(base))
        if ".." in relative.parts:
            relative = PurePosixPath(path.name)
        wanted = _is_hidden(rest) or not _is_hidden(relative)
        if wanted and not _is_result(path, base, leave_out):
            yield FoundPhoto(path, relative)


def _is_result(path: Path, searched: Path, leave_out: Path) -> bool:
    """Tell whether a file is in the output folder, if that is below the searched folder."""
    own = searched.resolve()
    below = leave_out != own and leave_out.is_relative_to(own)
    return below and path.resolve().is_relative_to(leave_out)


def _is_hidden(relative: PurePosixPath) -> bool:
    return any(is_clutter(part) and part != ".." for part in relative.parts)


def _read_list(path: Path, leave_out: Path) -> Iterator[FoundPhoto]:
    try:
        entries = list_entries(read_text(path))
    except (OSError, ValueError) as error:
        raise SettingsError(f"the list {path} cannot be read: {error}") from error
    return _listed(entries, path.parent, leave_out)


def _listed(entries: Sequence[str], beside: Path, leave_out: Path) -> Iterator[FoundPhoto]:
    """Yield the photos that a list names.

    Args:
        beside: The folder of the list, for paths that are not found from the working folder.
    """
    for number, entry in enumerate(entries):
        path = _named(entry, beside)
        if path is not None and _is(path.is_dir):
            yield from _search(path, leave_out)
        elif path is not None:
            yield FoundPhoto(path, PurePosixPath(path.name))
        elif not is_comment(entry) and not (number == 0 and is_header(entry)):
            # One that is missing fails when it is read, like one that is broken.
            name = PurePosixPath(entry.replace("\\", "/")).name
            yield FoundPhoto(Path(entry), PurePosixPath(name))


def _named(entry: str, beside: Path) -> Path | None:
    """Return the photo or folder that an entry names, if it is there."""
    for spelling in spellings(entry):
        for path in (Path(spelling), beside / spelling):
            if spelling and _is(path.exists):
                return path
    return None


def _read_standard_input(leave_out: Path) -> Iterable[FoundPhoto]:
    data = sys.stdin.buffer.read()
    try:
        open_photo(data).close()
    except UnidentifiedImageError:
        try:
            return _listed(list_entries(decode_text(data)), Path(), leave_out)
        except ValueError as error:
            raise PhotoError("standard input is neither a photo nor a list of photos") from error
    except UNREADABLE as error:
        raise PhotoError(f"the photo on standard input cannot be read: {error}") from error
    return [FoundPhoto(data, PurePosixPath("stdin"))]
