"""Places where nothing is as usual: no home, no terminal, ASCII alone, clocks that go backwards."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from grapy_cli.cli.app import app
from tests.support.command_line import ROOT, plain_environment, run_grapy
from tests.support.networks import write_weights
from tests.support.photo_folders import write_good_photos
from tests.support.training import assert_same_run, prepare_tiny, train

RECIPE = str(ROOT / "tests/support/debug.toml")
OPENCV = "libGL.so.1: cannot open shared object file: No such file or directory"
# Every look at the clock finds an hour less.
BACKWARDS = """
import itertools, time
hours = itertools.count()
real = time.time
time.time = lambda: real() - 3600 * next(hours)
"""


def test_a_run_is_the_same_where_nothing_is_as_usual(tmp_path):
    data = prepare_tiny(tmp_path / "data", "pascal")
    train(data__root=data, data__dataset="pascal", train__out=tmp_path / "usual")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "sitecustomize.py").write_text(BACKWARDS)
    odd = plain_environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONHASHSEED="1")
    odd |= {"PYTHONPATH": os.pathsep.join([str(tmp_path / "odd"), str(ROOT)]), "TERM": "unknown"}
    del odd["HOME"]
    command = ["train", "--config", RECIPE, "--data", "data", "--dataset", "pascal"]
    ran = subprocess.run(
        [sys.executable, "-m", "grapy_cli", *command, "--out", "läuft"],
        cwd=tmp_path,
        env=odd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,  # no terminal to ask or to draw on
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert b"\x1b" not in ran.stderr
    assert_same_run(tmp_path / "läuft", tmp_path / "usual")


def test_masks_do_not_hang_on_the_order_of_hashes(tmp_path):
    weights = write_weights(tmp_path / "w.safetensors", ["pascal", "atr"])
    write_good_photos(tmp_path / "größe", 2)
    command = ["predict", "größe", "--dataset", "all", "--weights", str(weights), "--threads", "1"]
    command += ["--save", "mask,summary,polygons,overlay", "--out"]
    made = []
    for seed in ("1", "2"):
        ran = run_grapy(*command, f"out{seed}", folder=tmp_path, PYTHONHASHSEED=seed)
        assert ran.returncode == 0, ran.stderr
        out = tmp_path / f"out{seed}"
        made.append({path.relative_to(out): path.read_bytes() for path in out.glob("*/**/*.*")})
    assert len(made[0]) >= 8
    assert made[0] == made[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", [["labels", "atr"], ["labels", "--json"], ["--help"]])
def test_a_full_output_is_said_in_a_line(arguments, tmp_path):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "grapy_cli", *arguments],
            env=plain_environment(),
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ran.returncode == 2
    assert os.strerror(errno.ENOSPC) in ran.stderr
    assert len(ran.stderr.splitlines()) == 2


def test_closed_outputs_disturb_nobody(tmp_path):
    command = f'"{sys.executable}" -m grapy_cli labels atr >&- 2>&- <&-'
    ran = subprocess.run(["sh", "-c", command], env=plain_environment(), cwd=tmp_path)
    assert ran.returncode == 0


def test_a_run_goes_on_when_no_one_reads_what_it_says(tmp_path):
    weights = write_weights(tmp_path / "w.safetensors", ["atr"])
    write_good_photos(tmp_path / "photos", 2)
    reader, writer = os.pipe()
    os.close(reader)
    command = ["predict", "photos", "--weights", str(weights), "--device", "cpu"]
    ran = subprocess.run(
        [sys.executable, "-m", "grapy_cli", *command],
        cwd=tmp_path,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        stderr=writer,
        timeout=120,
    )
    os.close(writer)
    assert ran.returncode == 0
    assert len(list((tmp_path / "masks").rglob("*.png"))) == 2


def test_without_the_library_of_windows_the_other_wheel_is_named(tmp_path):
    (tmp_path / "cv2.py").write_text(f"raise ImportError({OPENCV!r})\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    ran = run_grapy("prepare", "--dataset", "synthetic", folder=tmp_path, PYTHONPATH=path)
    assert ran.returncode == 2
    assert "libGL.so.1" in ran.stderr
    assert "opencv-python-headless" in ran.stderr
    assert "Traceback" not in ran.stderr
    ran = run_grapy("doctor", folder=tmp_path, PYTHONPATH=path)
    assert ran.returncode == 1
    assert "opencv-python-headless" in ran.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_card_that_is_absent_is_said_by_every_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = prepare_tiny(tmp_path / "data", "pascal")
    weights = str(write_weights(tmp_path / "w.safetensors", ["pascal"]))
    photos = str(data / "pascal" / "images")
    commands = [
        ["predict", photos, "--dataset", "pascal", "--weights", weights],
        ["eval", "--dataset", "pascal", "--weights", weights],
        ["train", "--config", RECIPE, "--dataset", "pascal"],
        ["train", "--config", RECIPE, "--dataset", "pascal", "--gpus", "2"],
        ["bench", photos, "--weights", weights],
    ]
    for command in commands:
        ran = CliRunner().invoke(app, [*command, "--device", "cuda"])
        assert ran.exit_code == 6, (command, ran.output)
        assert "0 CUDA devices" in ran.output
        assert "--device cpu" in ran.output
