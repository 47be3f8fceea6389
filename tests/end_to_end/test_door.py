"""`import grapy_cli` is there at once: what is heavy comes when it is asked for."""

from tests.support.command_line import ROOT, run_python

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
    done = run_python("-c", PROGRAM, folder=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
