"""`grapy` as a person runs it: a process of its own, with no settings lying about."""

import os
import subprocess
import sys
from pathlib import Path

# Variables that make Rich and Typer draw for another terminal than the one a test asks for.
_DRAWING = ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS", "TERMINAL_WIDTH", "LINES", "NO_COLOR")
ROOT = Path(__file__).parents[2]


def plain_environment(**more: str) -> dict[str, str]:
    """This process's variables without those that would change what `grapy` does or draws."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _DRAWING and not name.startswith("GRAPY_")
    }
    return kept | {"COLUMNS": "100", "PYTHONPATH": str(ROOT)} | more


def run_grapy(
    *arguments: str, folder: Path, timeout: int = 120, **environment: str
) -> subprocess.CompletedProcess:
    """Run a command in a folder and return its code and what it wrote."""
    return run_python("-m", "grapy_cli", *arguments, folder=folder, timeout=timeout, **environment)


def run_python(
    *arguments: str, folder: Path, timeout: int = 120, **environment: str
) -> subprocess.CompletedProcess:
    """Run this Python in a folder and return its code and what it wrote."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=plain_environment(**environment),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def write_program(folder: Path) -> Path:
    """Put a program `grapy` into a folder, for shells to find, that is this Python's; give it."""
    program = folder / "grapy"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grapy_cli "$@"\n')
    program.chmod(0o755)
    return program
