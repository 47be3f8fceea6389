"""`grapy predict` on many files, some of them bad, and cut short in every way."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import plain_environment, run_grapy
from tests.support.networks import write_weights
from tests.support.photo_folders import write_good_photos, write_odd_photos

PART = ".manifest-1-of-1.jsonl"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights") / "w", ["pascal"], longest_side=32)


@pytest.fixture
def start(weights, tmp_path):
    """Starts the command in `tmp_path`; what is still running when the test ends is killed."""
    begun = []

    def run(*arguments):
        command = [sys.executable, "-m", "grapy_cli", "predict", "photos", *arguments]
        command += ["--weights", str(weights), "--device", "cpu", "--threads", "1"]
        with (tmp_path / "said.txt").open("ab") as said:
            process = subprocess.Popen(
                command, cwd=tmp_path, env=plain_environment(), stdout=said, stderr=said
            )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def lasting(out):
    """All that a run leaves behind, but for the seconds it took."""
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.name == "manifest.jsonl":
            data = [{**row, "seconds": None} for row in rows(path)]
        found[str(path.relative_to(out))] = data
    return found


def wait_for_rows(process, part, count):
    """Wait until a run has written so many rows; false if it ended before."""
    while process.poll() is None:
        if part.exists() and part.read_bytes().count(b"\n") >= count:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_thousand_files_of_all_sorts(start, tmp_path):
    """Each good one has its mask, each bad one its line, nothing is overwritten, memory is flat."""
    photos, out = tmp_path / "photos", tmp_path / "masks"
    odd, broken = write_odd_photos(photos)
    good = write_good_photos(photos, 1000 - len(odd) - len(broken))
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*") if path.is_file()}

    process = start("--out", "masks")
    resident = {}
    while process.poll() is None:
        if (out / PART).exists():
            done = (out / PART).read_bytes().count(b"\n")
            statm = Path(f"/proc/{process.pid}/statm").read_text().split()
            resident[done] = int(statm[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if statm else 0
        time.sleep(0.05)
    assert process.returncode == 5
    early = max(size for done, size in resident.items() if done <= 300)
    assert max(resident.values()) < early + 60, resident

    done, failed = rows(out / "manifest.jsonl"), rows(out / "failures.jsonl")
    assert sorted(Path(row["source"]).name for row in failed) == broken
    assert [row["source"] for row in done] == sorted(row["source"] for row in done)
    assert {row["source"] for row in done} == {f"photos/{name}" for name in [*good, *odd]}
    [most] = Counter(file for row in done for file in row["files"]).most_common(1)
    assert most[1] == 1
    for row in done:
        with Image.open(out / row["files"][0]) as mask:
            mask.load()
            assert (mask.mode, mask.size) == ("P", (row["width"], row["height"]))
    sizes = {row["source"]: (row["height"], row["width"]) for row in done}
    assert {name: sizes[f"photos/{name}"] for name in odd} == odd
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list(out.rglob(".*"))


def test_killed_at_ten_moments_and_continued_it_is_the_same(start, tmp_path):
    photos = tmp_path / "photos"
    write_odd_photos(photos)
    write_good_photos(photos, 60)
    (photos / "0 huge.jpg").unlink()  # which would take most of the time
    kinds = ["--save", "mask,overlay,summary"]
    assert start("--out", "whole", *kinds).wait() == 5

    out, part = tmp_path / "cut", tmp_path / "cut" / PART
    moments = random.Random(0)
    kills = 0
    for _ in range(10):
        process = start("--out", "cut", *kinds)
        if wait_for_rows(process, part, moments.randint(1, 6)):
            time.sleep(moments.random() / 20)
            process.kill()
            kills += 1
        process.wait()
    assert kills == 10
    assert start("--out", "cut", *kinds).wait() == 5
    assert lasting(out) == lasting(tmp_path / "whole")


@pytest.mark.parametrize("gpus", ["1", "2"])
def test_a_stop_leaves_whole_files_and_the_same_command_goes_on(start, tmp_path, gpus):
    photos, out = tmp_path / "photos", tmp_path / "masks"
    names = write_good_photos(photos, 150)
    process = start("--out", "masks", "--gpus", gpus)
    assert wait_for_rows(process, out / f".manifest-1-of-{gpus}.jsonl", 3)
    process.send_signal(signal.SIGINT if gpus == "1" else signal.SIGTERM)
    assert process.wait() == 130
    said = (tmp_path / "said.txt").read_text()
    assert "same command" in said
    assert "Traceback" not in said
    early = rows(out / "manifest.jsonl")
    assert 3 <= len(early) < len(names)
    masks = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert masks == {file for row in early for file in row["files"]}
    assert not list(out.rglob(".*"))

    assert start("--out", "masks").wait() == 0
    late = rows(out / "manifest.jsonl")
    assert [row["source"] for row in late] == [f"photos/{name}" for name in names]
    assert {row["source"]: row for row in late}.items() >= {r["source"]: r for r in early}.items()


def test_processes_and_shards_give_what_one_process_gives(start, tmp_path):
    photos = tmp_path / "photos"
    write_good_photos(photos, 30)
    (photos / "000/broken.png").write_text("no photo")
    assert start("--out", "one").wait() == 5
    assert start("--out", "two", "--gpus", "2").wait() == 5
    assert lasting(tmp_path / "two") == lasting(tmp_path / "one")
    together = [start("--out", "three", "--shard", f"{index}/2") for index in (1, 2)]
    assert sorted(process.wait() for process in together) == [0, 5]
    assert lasting(tmp_path / "three") == lasting(tmp_path / "one")


def test_two_runs_do_not_work_on_one_folder(start, weights, tmp_path):
    write_good_photos(tmp_path / "photos", 60)
    first = start("--out", "masks")
    assert wait_for_rows(first, tmp_path / "masks" / PART, 1)
    first.send_signal(signal.SIGSTOP)
    second = run_grapy(
        "predict", "photos", "--out", "masks", "--weights", str(weights), folder=tmp_path
    )
    assert second.returncode == 2
    assert f"masks is being worked on by process {first.pid}" in second.stderr
