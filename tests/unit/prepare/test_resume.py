"""Killed at any moment and started again, it ends in the same bytes; twice, it does nothing."""

import os
import signal
import subprocess
import sys
import time

import pytest

from grapy_cli.errors import DatasetError
from grapy_cli.prepare.finished import FINISHED
from grapy_cli.runtime.reporting import Progressed, Told
from tests.support import tiny


def bytes_of(folder):
    """All files below a folder, dataset.json without where the release lay."""
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    for name in ("dataset.json", "report.html"):
        lines = files[name].decode().splitlines()
        files[name] = "\n".join(
            line for line in lines if '"source": "/' not in line and ", from /" not in line
        ).encode()
    return files


class Stopped(Exception):  # noqa: N818
    """What a test stops a run with."""


def stop_after(count):
    def report(event):
        if isinstance(event, Progressed) and event.done >= count:
            raise Stopped

    return report


@pytest.mark.parametrize("done", [1, 4, 11])
def test_a_stopped_run_goes_on_and_ends_in_the_same_bytes(tmp_path, prepare, done):
    release = tiny.write_cihp(tmp_path, photos=12)
    (release / "Images" / "0000008.jpg").write_text("broken")
    with pytest.raises(Stopped):
        prepare("cihp", source=release, report=stop_after(done))
    folder = tmp_path / "data" / "cihp"
    assert not (folder / "dataset.json").exists()
    with (folder / FINISHED).open("ab") as finished:
        finished.write(b'{"key": "half a li')
    (folder / "images" / ".0000001.jpg.77.part").write_bytes(b"half a photo")
    events = []
    prepare("cihp", source=release, report=events.append)
    said = [event.text for event in events if isinstance(event, Told)]
    assert f"cihp: {done} of 12 samples were finished by an earlier run" in said
    prepare("cihp", source=release, root=tmp_path / "other")
    assert bytes_of(folder) == bytes_of(tmp_path / "other" / "cihp")


def test_a_killed_process_goes_on_as_well(tmp_path, prepare):
    release = tiny.write_cihp(tmp_path, photos=150)
    folder = tmp_path / "data" / "cihp"
    command = [sys.executable, "-m", "grapy_cli", "prepare", "--dataset", "cihp"]
    command += ["--source", str(release), "--data", str(tmp_path / "data"), "--processes", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 60
        while run.poll() is None and time.monotonic() < deadline:
            if (folder / FINISHED).exists() and (folder / FINISHED).stat().st_size > 2000:
                os.kill(run.pid, signal.SIGKILL)
                break
            time.sleep(0.002)
    assert not (folder / "dataset.json").exists()
    prepare("cihp", source=release)
    prepare("cihp", source=release, root=tmp_path / "other")
    assert bytes_of(folder) == bytes_of(tmp_path / "other" / "cihp")


def test_other_samples_are_begun_anew(tmp_path, prepare):
    with pytest.raises(Stopped):
        prepare("atr", source=tiny.write_atr(tmp_path / "a", photos=9), report=stop_after(8))
    release = tiny.write_atr(tmp_path / "b")
    prepare("atr", source=release)
    prepare("atr", source=release, root=tmp_path / "other")
    assert bytes_of(tmp_path / "data" / "atr") == bytes_of(tmp_path / "other" / "atr")


def test_what_was_mended_since_is_looked_at_again(tmp_path, prepare):
    release = tiny.write_cihp(tmp_path)
    photo = release / "Images" / "0000001.jpg"
    whole = photo.read_bytes()
    photo.write_bytes(b"broken")
    with pytest.raises(DatasetError, match="unreadable-photo"):
        prepare("cihp", source=release, strict=True)
    photo.write_bytes(whole)
    assert prepare("cihp", source=release, strict=True).datasets[0].photos == {"train": 3, "val": 1}


def test_the_second_run_writes_nothing(tmp_path, prepare):
    release = tiny.write_cihp(tmp_path)
    prepare("cihp", source=release)

    def times():
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}

    before = times()
    events = []
    prepare("cihp", source=release, report=events.append)
    assert times() == before
    assert "already prepared" in events[0].text


@pytest.mark.parametrize("link", ["auto", "hard", "soft", "copy"])
def test_the_source_is_never_written(tmp_path, prepare, link):
    release = tiny.write_cihp(tmp_path)

    def state():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in release.rglob("*")
        }

    before = state()
    prepare("cihp", source=release, link=link)
    assert state() == before
