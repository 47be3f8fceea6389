"""Archives are read where they are, give what their folder gives, and cannot harm."""

import gzip
import io
import shutil
import stat
import tarfile
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from grapy_cli.errors import DatasetError
from grapy_cli.image_io.archive import open_archive
from grapy_cli.image_io.inflate import GzipStream
from tests.support import tiny
from tests.unit.prepare.test_resume import bytes_of

KINDS = ["zip", "tar", "gztar"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("cihp", tiny.write_cihp_as_distributed),
        ("atr", tiny.write_atr),
        ("pascal", tiny.write_pascal),
        ("pascal", tiny.write_pascal_part),
    ],
)
def test_an_archive_gives_what_its_folder_gives(tmp_path, prepare, kind, name, write):
    write(tmp_path / "files")
    archive = shutil.make_archive(str(tmp_path / "release"), kind, tmp_path / "files")
    prepare(name, source=type(tmp_path)(archive))
    prepare(name, source=tmp_path / "files", root=tmp_path / "other")
    assert bytes_of(tmp_path / "data" / name) == bytes_of(tmp_path / "other" / name)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [name]


def test_an_archive_below_raw_is_found(tmp_path, prepare):
    tiny.write_atr(tmp_path / "files")
    shutil.make_archive(str(tmp_path / "data" / "raw" / "humanparsing"), "zip", tmp_path / "files")
    assert prepare("atr").datasets[0].photos == {"train": 3, "val": 1}


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar" * 100)],
    ids=["nothing", "text", "gzip without tar"],
)
def test_a_file_that_is_no_archive_is_named(tmp_path, prepare, content):
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"x\.zip cannot be read as an archive"):
        prepare("atr", source=path)


@pytest.mark.parametrize("kind", KINDS)
def test_half_an_archive_is_named(tmp_path, prepare, kind):
    tiny.write_atr(tmp_path / "files")
    archive = shutil.make_archive(str(tmp_path / "release"), kind, tmp_path / "files")
    whole = type(tmp_path)(archive).read_bytes()
    type(tmp_path)(archive).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="release"):
        prepare("atr", source=type(tmp_path)(archive))


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_members_that_lie_outside_are_refused(tmp_path, prepare, name):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "x")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    for path in (tmp_path / "x.zip", tmp_path / "x.tar"):
        with pytest.raises(DatasetError, match=r"is refused: its member .* lies outside"):
            prepare("atr", source=path)
    assert not (tmp_path / "data").exists()


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="link"):
        open_archive(tmp_path / "x.zip")
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        with tarfile.open(tmp_path / "x.tar", "w") as tar:
            tar.addfile(member)
        with pytest.raises(DatasetError, match="link"):
            open_archive(tmp_path / "x.tar")


def test_a_bomb_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("grapy_cli.image_io.archive.LARGEST", 100)
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(1000))
    with pytest.raises(OSError, match="it would be"):
        (open_archive(tmp_path / "x.zip") / "bomb").read_bytes()


def test_a_gzip_stream_is_read_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.setattr("grapy_cli.image_io.inflate.MARK_EVERY", 5000)
    monkeypatch.setattr("grapy_cli.image_io.inflate.MOST_MARKS", 7)
    random = np.random.default_rng(0)
    data = random.integers(0, 40, 300_000, dtype=np.uint8).tobytes()
    # Two gzip files in a row are one stream, as parallel compressors write them.
    (tmp_path / "x.gz").write_bytes(gzip.compress(data[:120_000]) + gzip.compress(data[120_000:]))
    stream = GzipStream(tmp_path / "x.gz")
    offsets = random.integers(0, len(data), 60).tolist()
    with ThreadPoolExecutor(3) as pool:
        read = list(pool.map(lambda offset: stream.read_at(offset, 4000), offsets))
    assert read == [data[offset : offset + 4000] for offset in offsets]
    assert stream.read_at(len(data) + 5, 10) == b""


def test_a_member_that_says_it_has_nothing_is_not_inflated_without_end(tmp_path):
    """Of a deflated member of declared size 0, zlib would have given all there is."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(50 << 20))
        size = archive.getinfo("bomb").file_size.to_bytes(4, "little")
    data = (tmp_path / "x.zip").read_bytes()
    (tmp_path / "x.zip").write_bytes(data.replace(size, bytes(4)))
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="checksum"):
            (open_archive(tmp_path / "x.zip") / "bomb").read_bytes()
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_a_note_of_gigabytes_is_not_read(tmp_path):
    """Tar's long names stand in members of their own, which tarfile reads whole."""
    note = tarfile.TarInfo("././@LongLink")
    note.type, note.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    packed = gzip.compress(note.tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20))
    (tmp_path / "x.tar.gz").write_bytes(packed)
    with pytest.raises(DatasetError, match="cannot be read as an archive"):
        open_archive(tmp_path / "x.tar.gz")


def test_members_without_number_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("grapy_cli.image_io.archive.MOST_MEMBERS", 3)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for number in range(5):
            archive.writestr(f"{number}", b"")
    with pytest.raises(DatasetError, match="more than 3 files"):
        open_archive(tmp_path / "x.zip")
