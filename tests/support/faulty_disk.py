"""Commands on a disk that is full or closed; a program of its own, in a namespace of its own.

`mounted` runs it: it needs no rights, and what it mounts is gone with it.
"""

import contextlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.support.command_line import plain_environment

DISK = "disk"
_ALONE = ["unshare", "--user", "--map-root-user", "--mount"]


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    said: str
    kept: Path
    """A copy of what it left on the disk."""


def is_possible() -> bool:
    """Whether this system lets us mount."""
    if not shutil.which("unshare"):
        return False
    mount = ["mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    return subprocess.run([*_ALONE, *mount], capture_output=True).returncode == 0


def run_on_disks(folder: Path, cases: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Ended]:
    """Run commands, each in `folder` with a fresh disk at `folder/disk`, for temporary files too.

    Args:
        folder: Where they run.
        cases: By name, the options of the mount, and what is typed after `grapy`.
    """
    (folder / DISK).mkdir()
    ran = subprocess.run(
        [*_ALONE, sys.executable, "-m", "tests.support.faulty_disk", json.dumps(cases)],
        cwd=folder,
        env=plain_environment(OMP_NUM_THREADS="1", TMPDIR=str(folder / DISK)),
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    rows = json.loads(ran.stdout)
    return {name: Ended(code, said, folder / "kept" / name) for name, (code, said) in rows.items()}


def _run(options: str, arguments: Sequence[str], kept: Path) -> tuple[object, str]:
    from grapy_cli.cli.app import main

    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", DISK], check=True)
    sys.argv = ["grapy", *arguments]
    said, code = io.StringIO(), None
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        shutil.copytree(DISK, kept)
        subprocess.run(["umount", DISK], check=True)
    return code, said.getvalue()


if __name__ == "__main__":
    rows = {
        name: _run(options, arguments, Path("kept") / name)
        for name, (options, arguments) in json.loads(sys.argv[1]).items()
    }
    sys.stdout.write(json.dumps(rows))
