"""`grapy doctor`: what this machine has of what `grapy` needs."""

import importlib
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

import typer

from grapy_cli import __version__
from grapy_cli.cli.command import command
from grapy_cli.errors import GrapyError

app = typer.Typer()

_PACKAGES = {"torch": "torch", "numpy": "numpy", "PIL": "pillow", "cv2": "opencv-python"}
Line = tuple[str, str]


@command(app, panel="Look", example="grapy doctor")
def doctor() -> None:
    """Look at this machine: versions, devices, weights, disk.

    Ends with exit code 1 if something that grapy needs is missing.
    """
    from grapy_cli.cli.console import show_table

    lines = [*_system(), *map(_package, _PACKAGES), *_devices(), *_weights(), _disk()]
    show_table(["what", "found"], lines)
    if any(found.startswith("missing") for _, found in lines):
        raise typer.Exit(1)


def _system() -> Iterator[Line]:
    yield "grapy", __version__
    yield "python", platform.python_version()
    yield "platform", platform.platform()
    yield "CPU threads", str(os.cpu_count())


def _package(module: str) -> Line:
    package = _PACKAGES[module]
    try:
        return package, str(importlib.import_module(module).__version__)
    except (ImportError, OSError) as error:
        return package, f"missing: {error}; type: pip install {package}"


def _devices() -> Iterator[Line]:
    try:
        import torch
    except (ImportError, OSError):
        return
    cards = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    yield "CUDA", ", ".join(cards) or "no device"
    yield "MPS", "available" if torch.backends.mps.is_available() else "no device"


def _weights() -> Iterator[Line]:
    try:
        from grapy_cli.model.weights import embedded_weights, read_card

        found = embedded_weights()
        for name, path in found.items():
            read_card(path)
            yield f"weights {name}", f"readable, {path.stat().st_size / 1e6:.1f} MB"
    except (ImportError, OSError, GrapyError) as error:
        yield "weights", f"missing: {error}; type: pip install --force-reinstall grapy-cli"
    else:
        if not found:
            yield "weights", "none embedded; name a file with --weights"


def _disk() -> Line:
    return "free disk here", f"{shutil.disk_usage(Path.cwd()).free / 1e9:.1f} GB"
