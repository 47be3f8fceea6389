"""Read archives of releases or photos without unpacking them.

An `ArchivePath` has the interface of the `pathlib.Path` of an unpacked file.
"""

import io
import itertools
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from grapy_cli.errors import DatasetError
from grapy_cli.image_io.inflate import GzipStream, ReadAt, Stream

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
LARGEST = 1 << 28  # bytes; no photo is this large, but a decompression bomb is
MOST_MEMBERS = 1_000_000  # six times those of the largest release

Names = tuple[str, ...]
Read = Callable[[], bytes]
_UTF8_FLAG = 1 << 11
_ZIP_HEADER = 30  # bytes before a member's name; the last four are two lengths
_BROKEN = (
    *(OSError, EOFError, ValueError, struct.error),
    *(LookupError, OverflowError, NotImplementedError, MemoryError),
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class ArchivePath:
    """A file or folder of an archive."""

    archive: "Archive"
    names: Names = ()

    @property
    def name(self) -> str:
        """The last name; for the root the archive's name without suffix."""
        return self.names[-1] if self.names else self.archive.path.name.split(".")[0]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The name's suffix, dot included."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "ArchivePath":
        """The folder that contains it."""
        return ArchivePath(self.archive, self.names[:-1])

    def __truediv__(self, name: str) -> "ArchivePath":
        return ArchivePath(self.archive, (*self.names, *PurePosixPath(name).parts))

    def __str__(self) -> str:
        return "/".join((str(self.archive.path), *self.names))

    def resolve(self) -> "ArchivePath":
        """Return the path in the resolved archive; archives have no links."""
        return ArchivePath(Archive(self.archive.path.resolve(), {}), self.names)

    def stat(self) -> os.stat_result:
        """Return size and times of the archive, because members change with it."""
        return self.archive.path.stat()

    def is_dir(self) -> bool:
        """Tell whether it is a folder."""
        return self.names in self.archive.folders

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        return self.names in self.archive.files

    def exists(self) -> bool:
        """Tell whether it is there."""
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator["ArchivePath"]:
        """Yield the files and folders in a folder."""
        for name in self.archive.folders[self.names]:
            yield ArchivePath(self.archive, (*self.names, name))

    def read_bytes(self) -> bytes:
        """Read a file.

        Raises:
            OSError: If the archive is damaged there.
        """
        if self.names not in self.archive.files:
            raise FileNotFoundError(f"{self} does not exist")
        try:
            return self.archive.files[self.names]()
        except _BROKEN as error:
            raise OSError(f"{self} cannot be read: {error}") from error


Place = Path | ArchivePath
"""Where a file or folder of a release lies."""


class Archive:
    """A zip or tar file: what is in it, and how each file is read."""

    def __init__(self, path: Path, files: dict[Names, Read]) -> None:
        self.path = path
        self.files = files
        self.folders: dict[Names, list[str]] = {(): []}
        for names in files:
            self._shelve(names)

    def _shelve(self, names: Names) -> None:
        """Add a file, and the folders above it, to the lists of their folders."""
        while names:
            *above, name = names
            is_known = tuple(above) in self.folders
            self.folders.setdefault(tuple(above), []).append(name)
            if is_known:
                return
            names = tuple(above)


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive that can be read."""
    return path.is_file() and is_archive_name(path.name)


def is_archive_name(name: str) -> bool:
    """Tell whether a file of that name should be an archive that can be read."""
    return name.lower().endswith(SUFFIXES)


def open_archive(path: Path) -> ArchivePath:
    """List an archive and return its root.

    Raises:
        DatasetError: If it cannot be read, or a member's path leads outside.
    """
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
        members = _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path, is_gzip)
        files = dict(itertools.islice(members, MOST_MEMBERS + 1))
        if len(files) > MOST_MEMBERS:
            raise ValueError(f"it has more than {MOST_MEMBERS:,} files, more than any release")
        return ArchivePath(Archive(path, files))
    except _BROKEN as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(
            f"{path} cannot be read as an archive: {error}",
            hint="Folders, zip, tar and tar.gz files can be read.",
        ) from error


def _zip_members(path: Path) -> Iterator[tuple[Names, Read]]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    for member in members:
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        names = _safe(path, _zip_name(member), is_link=is_link)
        if names and not member.is_dir():
            yield names, partial(_read_zip, path, member)


def undecoded_name(path: Path) -> str | None:
    """Return a name of a zip file that is not UTF-8, whose letters may therefore be wrong."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    names = (one.orig_filename for one in members if not one.flag_bits & _UTF8_FLAG)
    return next((name for name in names if not name.isascii() and _in_utf8(name) is None), None)


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name: many programs write UTF-8 without the flag that says so."""
    name = member.orig_filename
    return name if member.flag_bits & _UTF8_FLAG else _in_utf8(name) or name


def _in_utf8(name: str) -> str | None:
    """Decode as UTF-8 what Python decoded as cp437, if it is UTF-8."""
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return None


def _read_zip(path: Path, member: zipfile.ZipInfo) -> bytes:
    """Read a member as it was listed, without listing the archive again."""
    _refuse_bomb(max(member.file_size, member.compress_size))
    with path.open("rb") as file:
        file.seek(member.header_offset + _ZIP_HEADER - 4)
        len_name, len_extra = struct.unpack("<HH", file.read(4))
        file.seek(len_name + len_extra, io.SEEK_CUR)
        stored = file.read(member.compress_size)
    match member.compress_type:
        case zipfile.ZIP_STORED:
            data = stored
        case zipfile.ZIP_DEFLATED:
            inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            data = inflate.decompress(stored, member.file_size + 1)  # 0 would be any size
        case other:
            raise ValueError(f"it is compressed by method {other}, not by deflate")
    if len(data) != member.file_size or zlib.crc32(data) != member.CRC:
        raise ValueError("its checksum is wrong")
    return data


def _tar_members(path: Path, is_gzip: bool) -> Iterator[tuple[Names, Read]]:
    read = GzipStream(path).read_at if is_gzip else partial(_read_plain, path)
    with Stream(read) as stream, tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:") as tar:
        for member in tar:
            names = _safe(path, member.name, is_link=not (member.isfile() or member.isdir()))
            if names and member.isfile():
                yield names, partial(_read_tar, read, member.offset_data, member.size)
    # tarfile accepts an archive that is cut between two members; only the last block is missing.
    if len(read(tar.offset, tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
        raise EOFError("the archive ends too early")


def _read_plain(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def _read_tar(read: ReadAt, offset: int, size: int) -> bytes:
    _refuse_bomb(size)
    data = read(offset, size)
    if len(data) != size:
        raise EOFError("the archive ends too early")
    return data


def _safe(path: Path, name: str, *, is_link: bool) -> Names:
    """Return the names on a member's path, none for the root.

    Raises:
        DatasetError: If the member is not a plain file or folder, or lies outside the archive.
    """
    spelled = PurePosixPath(name.replace("\\", "/"))
    outside = spelled.is_absolute() or ".." in spelled.parts or ":" in (spelled.parts or ("",))[0]
    if is_link or outside:
        what = "is a link or a device" if is_link else "lies outside of it"
        raise DatasetError(
            f"{path} is refused: its member {name!r} {what}",
            hint="No release has such a member; check where this file comes from.",
        )
    return spelled.parts


def _refuse_bomb(size: int) -> None:
    if size > LARGEST:
        raise ValueError(f"it would be {size >> 20} MiB")
