"""`import grapy_cli` is there at once: what is heavy comes when it is asked for."""

import subprocess
import sys

from tests.support.command_line import ROOT, plain_environment

PROGRAM = """
import sys
import grapy_cli
from grapy_cli import label_set
assert label_set("atr").num_parts == 18
print(*(name for name in ("torch", "numpy", "cv2", "PIL", "typer") if name in sys.modules))
from grapy_cli import HumanParser
assert "typer" not in sys.modules and "rich" not in sys.modules
"""


def test_importing_grapy_loads_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
