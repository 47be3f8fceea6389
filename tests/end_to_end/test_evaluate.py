"""`grapy eval` as a person runs it: over processes, killed, of stored masks."""

import json
import signal
import subprocess
import sys
import tarfile
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.layout import DatasetWriter
from grapy_cli.labels import LABEL_SETS
from tests.support.command_line import plain_environment
from tests.support.networks import write_weights
from tests.support.training import prepare_tiny
from tests.support.warm import call_grapy

STREET = Path(__file__).parents[3] / "shared" / "data" / "ccp" / "ccp_labelled.tar"
CPU = ("--device", "cpu", "--threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with prepared data of which a photo is gone, and weights that look at the photos."""
    folder = tmp_path_factory.mktemp("evaluation")
    prepare_tiny(folder / "data", "atr", "pascal")
    min((folder / "data/atr/images").iterdir()).unlink()
    write_weights(folder / "looking")
    return folder


SCORE = ("--weights", "looking", "--split", "train", *CPU)


def run(folder, *arguments):
    ran = call_grapy("eval", *SCORE, *arguments, folder=folder)
    assert ran.returncode == 5, ran.stderr
    assert ran.stderr.count("is skipped") == 1  # said by one process, however many there are
    assert "Traceback" not in ran.stderr
    return ran


def test_two_processes_print_and_write_what_one_does(folder):
    alone = run(folder, "--json", "--out", "alone")
    together = run(folder, "--json", "--out", "together", "--gpus", "2")
    assert together.stdout == alone.stdout
    names = ("scores.json", "photos.jsonl", "report.html", "scores.csv", "scores.md")
    for name in names:
        assert (folder / "together" / name).read_bytes() == (folder / "alone" / name).read_bytes()
    assert (folder / "alone/scores.json").read_text() == alone.stdout
    assert together.stderr.count("report, figures and tables") == 1  # one process speaks


def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(folder):
    expected = run(folder, "--json", "--tta", "paper").stdout
    command = [sys.executable, "-m", "grapy_cli", "eval", *SCORE, "--tta", "paper"]
    command += ["--out", "killed"]
    rows = folder / "killed/photos.0.jsonl.part"
    process = subprocess.Popen(
        command, cwd=folder, env=plain_environment(), stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None and not (rows.exists() and rows.read_text().count("\n") > 1):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait()
    assert run(folder, "--json", "--tta", "paper", "--out", "killed").stdout == expected


@pytest.mark.skipif(not STREET.is_file(), reason="the labeled street photos are not here")
def test_masks_that_were_stored_have_the_scores_of_the_parser(tmp_path):
    """`predict`, then `eval --pred`, on real photos: equal to the last digit."""
    writer = DatasetWriter(tmp_path / "data/atr", LABEL_SETS["atr"])
    with tarfile.open(STREET) as tar:
        keys = tar.extractfile("splits/val.txt").read().decode().split()[:3]
        for key in keys:
            photo = tar.extractfile(f"photos/{key}.jpg").read()
            truth = BytesIO(tar.extractfile(f"atr/{key}.png").read())
            writer.add_photo(key, photo, ".jpg")
            writer.add_label_map(key, np.array(Image.open(truth)))
    writer.finish({"val": keys}, extensions=[".jpg"], problems=[], source="street", version="0")
    (tmp_path / "list.txt").write_text("".join(f"data/atr/images/{key}.jpg\n" for key in keys))
    commands = (
        ("eval", "--dataset", "atr", "--json", *CPU),
        ("predict", "@list.txt", "--dataset", "atr", "--out", "masks", *CPU),
        ("eval", "--pred", "masks", "--truth", "data/atr", "--dataset", "atr", "--json"),
    )
    ran = [call_grapy(*command, folder=tmp_path) for command in commands]
    assert [one.returncode for one in ran] == [0, 0, 0], [one.stderr for one in ran]
    direct, stored = (json.loads(one.stdout)["results"] for one in (ran[0], ran[2]))
    assert direct[0]["mean_iou"] > 0.3
    for row in (*direct, *stored):
        for key in ("parser", "tta", "calibration"):
            del row[key]
    assert stored == direct
