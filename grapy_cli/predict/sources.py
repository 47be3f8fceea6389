"""Which photos are meant, and what their masks are called."""

import glob
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from grapy_cli.errors import PhotoError, SettingsError

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class FoundPhoto:
    """One photo to parse."""

    source: Path | Image.Image
    """Where it lies, or the picture itself where it came through standard input."""
    relative: PurePosixPath
    """Its path below the folder that was searched; its name alone where it was named itself."""

    def __str__(self) -> str:
        return str(self.source if isinstance(self.source, Path) else self.relative)


def find_photos(sources: Sequence[str], *, leave_out: Path) -> list[FoundPhoto]:
    """Find the photos that are meant, each once, in the order they were named.

    Args:
        sources: Photos, folders, globs, `@list.txt` with one path a line, `-` for a photo or such a
            list on standard input.
        leave_out: The folder results go to; nothing in it is taken for a photo when a folder
            around it is searched.

    Raises:
        SettingsError: If something named is not there, or nothing is found at all.
    """
    found: dict[str, FoundPhoto] = {}
    for source in sources:
        for photo in _expand(source, leave_out.resolve()):
            found.setdefault(_identity(photo), photo)
    if not found:
        raise SettingsError(
            f"no photo found in {', '.join(sources)}",
            hint=f"Folders are searched for {', '.join(sorted(_photo_suffixes())[:8])}, ….",
        )
    return list(found.values())


def name_masks(photos: Sequence[FoundPhoto]) -> list[PurePosixPath]:
    """Choose for each photo the path of its results, without suffix, so that no two share one.

    Photos that differ only in their suffix keep it; those that still share a name (from different
    folders) get a number. Upper and lower case count as one, as some file systems have it.
    """
    plain = [photo.relative.with_suffix("") for photo in photos]
    rivals: dict[str, int] = defaultdict(int)
    for path in plain:
        rivals[str(path).casefold()] += 1
    taken: set[str] = set()
    names = []
    for photo, path in zip(photos, plain, strict=True):
        first = path if rivals[str(path).casefold()] == 1 else photo.relative
        name = next(name for name in _numbered(first) if str(name).casefold() not in taken)
        taken.add(str(name).casefold())
        names.append(name)
    return names


def _numbered(path: PurePosixPath) -> Iterator[PurePosixPath]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


def _identity(photo: FoundPhoto) -> str:
    return str(photo.source.resolve()) if isinstance(photo.source, Path) else str(photo.relative)


def _expand(source: str, leave_out: Path) -> Iterable[FoundPhoto]:
    if source == STANDARD_INPUT:
        return _read_standard_input(leave_out)
    if source.startswith("@"):
        return _read_list(Path(source[1:]), leave_out)
    path = Path(source)
    if path.is_dir():
        return _search(path, leave_out)
    if path.exists():
        return [FoundPhoto(path, PurePosixPath(path.name))]
    if glob.has_magic(source):
        return _match(source, leave_out)
    raise SettingsError(f"there is no photo or folder {source}")


def _search(folder: Path, leave_out: Path) -> Iterator[FoundPhoto]:
    suffixes = _photo_suffixes()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if hidden or path.suffix.lower() not in suffixes or not path.is_file():
            continue
        if not path.resolve().is_relative_to(leave_out):
            yield FoundPhoto(path, PurePosixPath(relative))


def _match(pattern: str, leave_out: Path) -> Iterator[FoundPhoto]:
    """Photos that match a glob, named by their path below its part without wildcards."""
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:fixed])
    for path in sorted(base.glob(str(Path(*parts[fixed:])))):
        if path.is_file() and not path.resolve().is_relative_to(leave_out):
            yield FoundPhoto(path, PurePosixPath(path.relative_to(base)))


def _read_list(path: Path, leave_out: Path) -> Iterator[FoundPhoto]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the list {path} cannot be read: {error}") from error
    return _listed(text, leave_out)


def _listed(text: str, leave_out: Path) -> Iterator[FoundPhoto]:
    for line in text.splitlines():
        if name := line.strip():
            path = Path(name)
            if path.is_dir():
                yield from _search(path, leave_out)
            else:  # one that is missing fails when it is read, like one that is broken
                yield FoundPhoto(path, PurePosixPath(path.name))


def _read_standard_input(leave_out: Path) -> Iterable[FoundPhoto]:
    data = sys.stdin.buffer.read()
    try:
        picture = Image.open(io.BytesIO(data))
    except (OSError, Image.DecompressionBombError):
        try:
            return _listed(data.decode("utf-8"), leave_out)
        except UnicodeDecodeError as error:
            raise PhotoError("standard input is neither a photo nor a list of photos") from error
    return [FoundPhoto(picture, PurePosixPath("stdin"))]


def _photo_suffixes() -> set[str]:
    Image.init()
    readable = {suffix for suffix, kind in Image.EXTENSION.items() if kind in Image.OPEN}
    return readable - {".pdf", ".mpg", ".mpeg", ".h5", ".hdf", ".grib", ".bufr"}
