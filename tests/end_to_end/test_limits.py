"""Shells that allow few open files, and cores that other programs keep busy."""

import subprocess
import sys

import pytest

from tests.support.command_line import plain_environment, run_python
from tests.support.networks import write_weights
from tests.support.photo_folders import write_good_photos

pytest.importorskip("resource", reason="this system has no such limits")

FEW = "import resource; limit = resource.RLIMIT_NOFILE; hard = resource.getrlimit(limit)[1]; "
SEES = (
    "import os, sys; from grapy_cli.cli.app import main; sys.argv = ['grapy', '--version']\n"
    "try: main()\n"
    "except SystemExit: print(os.environ['OMP_WAIT_POLICY'])"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    write_weights(folder / "w.safetensors", ["pascal"], longest_side=32)
    write_good_photos(folder / "photos", 12)
    return folder


def predict(folder, *arguments):
    """Parse with 30 open files."""
    command = [sys.executable, "-m", "grapy_cli", "predict", "photos", "--weights", "w.safetensors"]
    command += ["--device", "cpu", *arguments]
    return subprocess.run(
        ["sh", "-c", 'ulimit -n 30; exec "$@"', "sh", *command],
        cwd=folder,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_thirty_open_files_are_enough_for_one_process(folder):
    ran = predict(folder, "--out", "one", "--save", "mask,overlay", "--gallery")
    assert ran.returncode == 0, ran.stderr
    assert len(list((folder / "one" / "pascal").rglob("*.png"))) == 12


def test_for_several_processes_the_limit_is_said_at_once(folder):
    ran = predict(folder, "--out", "two", "--gpus", "2")
    assert ran.returncode == 2
    assert "this shell allows 30 open files" in ran.stderr
    assert "ulimit -n 1024" in ran.stderr
    assert not (folder / "two").exists()


def test_a_limit_that_may_be_raised_is(folder):
    code = FEW + (
        "resource.setrlimit(limit, (30, hard)); "
        "from grapy_cli.runtime.launch import allow_open_files; "
        "allow_open_files(128); print(resource.getrlimit(limit) == (128, hard)); "
        "allow_open_files(64); print(resource.getrlimit(limit) == (128, hard))"
    )
    assert run_python("-c", code, folder=folder).stdout.split() == ["True", "True"]


@pytest.mark.parametrize("own", [{}, {"OMP_WAIT_POLICY": "ACTIVE"}])
def test_threads_that_wait_sleep_unless_the_user_says_otherwise(folder, own):
    ran = run_python("-c", SEES, folder=folder, **own)
    assert ran.stdout.split()[-1] == own.get("OMP_WAIT_POLICY", "PASSIVE")
