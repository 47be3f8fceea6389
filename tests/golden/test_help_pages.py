"""The help pages, as a person sees them in a pipe of 100 columns."""

from pathlib import Path

import pytest
import typer

from tests.support.command_line import run_grapy
from tests.support.golden import check_text

PAGES = Path(__file__).parent / "help"
COMMANDS = [
    *("", "prepare", "train", "eval", "predict", "serve"),
    *("weights", "export", "labels", "bench", "doctor"),
]


@pytest.mark.skipif(
    not typer.__version__.startswith("0.29."), reason="another Typer draws the pages otherwise"
)
@pytest.mark.parametrize("name", COMMANDS)
def test_help_page(name, tmp_path):
    ran = run_grapy(*name.split(), "--help", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    check_text(ran.stdout, PAGES / f"{name or 'grapy'}.txt")
