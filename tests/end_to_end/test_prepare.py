"""`grapy prepare` and `grapy labels --template` as a person runs them."""

import subprocess
import sys

from tests.support import tiny
from tests.support.command_line import run_grapy


def test_bad_samples_end_in_five_and_strict_in_three(tmp_path):
    release = tiny.write_cihp(tmp_path)
    (release / "Images" / "0000001.jpg").write_text("no picture")
    ran = run_grapy(
        "prepare", "--dataset", "cihp", "--source", str(release), "--strict", folder=tmp_path
    )
    assert ran.returncode == 3
    assert "unreadable-photo" in ran.stderr
    ran = run_grapy("prepare", "--dataset", "cihp", "--source", str(release), folder=tmp_path)
    assert ran.returncode == 5
    assert "unreadable-photo" in ran.stdout
    assert "left-arm" in ran.stdout
    again = run_grapy("prepare", "--dataset", "cihp", folder=tmp_path)
    assert again.returncode == 0
    assert again.stdout == ""


def test_the_template_is_printed(tmp_path):
    ran = run_grapy("labels", "--template", folder=tmp_path)
    assert ran.returncode == 0
    assert 'name = "my-parts"' in ran.stdout


def test_prepare_loads_no_torch(tmp_path):
    code = "import sys, grapy_cli.prepare.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
