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
from tests.support.command_line import plain_environment, run_grapy
from tests.support.networks import write_weights
from tests.support.training import prepare_tiny

STREET = Path(__file__).parents[3] / "shared" / "data" / "ccp" / "ccp_labelled.tar"
CPU = ("--device", "cpu", "--threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with prepared data, and weights that look at the photos."""
    folder = tmp_path_factory.mktemp("evaluation")
    prepare_tiny(folder / "data", "atr", "pascal")
    write_weights(folder / "looking")
    return folder


SCORE = ("--weights", "looking", "--split", "train", *CPU)


def run(folder, *arguments):
    ran = run_grapy("eval", *SCORE, *arguments, folder=folder)
    assert ran.returncode == 0, ran.stderr
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


def check_stored_masks(folder, data, dataset, *arguments):
    """Hold the scores of `predict`'s masks to those of its parser, to the last digit."""
    direct = run_grapy("eval", "--data", data, "--dataset", dataset, "--json", *arguments,
                       *CPU, folder=folder)  # fmt: skip
    keys = (data / dataset / "splits/val.txt").read_text().split("\n")[:-1]
    (folder / "list.txt").write_text(
        "".join(f"{data / dataset}/images/{key}.jpg\n" for key in keys)
    )
    predicted = run_grapy("predict", "@list.txt", "--dataset", dataset, "--out", "masks",
                          *arguments, *CPU, folder=folder)  # fmt: skip
    assert predicted.returncode == 0, predicted.stderr
    truth = folder / "truth"
    truth.mkdir()
    for mask in (folder / "masks").rglob("*.png"):
        place = truth / mask.relative_to(folder / "masks")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(data / dataset / "labels/level3" / mask.name)
    stored = run_grapy("eval", "--pred", "masks", "--truth", "truth", "--dataset", dataset,
                       "--json", folder=folder)  # fmt: skip
    for ran in (direct, stored):
        assert ran.returncode == 0, ran.stderr
    first, second = (json.loads(ran.stdout)["results"] for ran in (direct, stored))
    assert [row["mean_iou"] for row in first] == [row["mean_iou"] for row in second]
    assert [row["parts"] for row in first] == [row["parts"] for row in second]


@pytest.mark.skipif(not STREET.is_file(), reason="the labelled street photos are not here")
def test_the_weights_in_the_package_have_it_on_real_photos(tmp_path):
    writer = DatasetWriter(tmp_path / "data/atr", LABEL_SETS["atr"])
    with tarfile.open(STREET) as tar:
        keys = tar.extractfile("splits/val.txt").read().decode().split()[:3]
        for key in keys:
            photo = tar.extractfile(f"photos/{key}.jpg").read()
            truth = BytesIO(tar.extractfile(f"atr/{key}.png").read())
            writer.add_photo(key, photo, ".jpg")
            writer.add_label_map(key, np.array(Image.open(truth)))
    writer.finish({"val": keys}, extensions=[".jpg"], problems=[], source="street", version="0")
    check_stored_masks(tmp_path, tmp_path / "data", "atr")
