"""`grapy --help` is there at once, and knows nothing of torch."""

import os

import pytest

from tests.support.command_line import run_grapy, run_python

COMMANDS = ["prepare", "train", "eval", "predict", "weights", "labels", "serve", "bench", "doctor"]
HEAVY = ("torch", "numpy", "cv2", "PIL")

PROGRAM = """
import sys
from grapy_cli.cli.app import main
sys.argv = ["grapy", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
print("loaded:", *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["train", "--show-settings"], ["labels"]]
)
def test_nothing_heavy_is_loaded(arguments, tmp_path):
    program = PROGRAM.format(arguments=arguments, heavy=HEAVY)
    ran = run_python("-c", program, folder=tmp_path)
    assert ran.stderr.strip() == "loaded:"


def test_help_answers_in_half_a_second(tmp_path):
    # Processor time: what a free machine takes by the clock as well, as help waits for nothing,
    # and what other work on the same machine hardly changes.
    def seconds():
        before = os.times()
        run_grapy("--help", folder=tmp_path)
        after = os.times()
        children = (after.children_user, after.children_system)
        return sum(children) - before.children_user - before.children_system

    assert min(seconds() for _ in range(3)) < 0.5


def test_help_lists_the_commands(tmp_path):
    page = run_grapy("--help", folder=tmp_path).stdout
    assert [name for name in COMMANDS if name not in page] == []


def test_version(tmp_path):
    from grapy_cli import __version__

    assert run_grapy("--version", folder=tmp_path).stdout == f"grapy {__version__}\n"


def test_a_typo_in_a_command_is_answered_with_the_nearest(tmp_path):
    ran = run_grapy("trian", folder=tmp_path)
    assert ran.returncode == 2
    assert "'train'" in ran.stderr


def test_a_typo_in_an_option_is_answered_with_the_nearest(tmp_path):
    ran = run_grapy("train", "--epoch", "3", folder=tmp_path)
    assert ran.returncode == 2
    assert "--epochs" in ran.stderr


def test_errors_in_a_pipe_are_plain_and_unbroken(tmp_path):
    name = "/".join(["a-very-long-folder-name"] * 20) + ".toml"
    ran = run_grapy("train", "--config", name, folder=tmp_path)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr == f"error: the settings file {name} does not exist\n"
