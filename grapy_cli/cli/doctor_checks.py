"""Check versions, devices, disk, rights, extras and weights for `grapy doctor`."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grapy_cli import __version__
from grapy_cli.atomic import file_digest
from grapy_cli.cli.os_errors import hint_of_import
from grapy_cli.errors import GrapyError, install_extra

PACKAGES: Mapping[str, str] = {
    "torch": "torch",
    "numpy": "numpy",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "safetensors": "safetensors",
    "pydantic": "pydantic",
    "typer": "typer",
}
"""Packages that grapy needs: the module, and the name to install."""


@dataclass(frozen=True)
class Extra:
    """An extra of grapy: its name and its modules."""

    packages: Sequence[str]
    brings: str


EXTRAS: Mapping[str, Extra] = {
    "heif": Extra(["pillow-heif"], "HEIC, the photos of phones"),
    "hub": Extra(["huggingface_hub", "transformers"], "--weights hf:OWNER/NAME"),
    "onnx": Extra(
        ["onnx", "onnxruntime", "onnxscript"], "export --format onnx, and running what it wrote"
    ),
    "openvino": Extra(
        ["onnx", "onnxruntime", "onnxscript", "openvino"],
        "export --format openvino, and running what it wrote",
    ),
    "serve": Extra(["fastapi", "python-multipart", "uvicorn"], "grapy serve"),
    "tensorboard": Extra(["tensorboard"], "train --tensorboard"),
    "video": Extra(["av"], "videos"),
}


@dataclass(frozen=True)
class Fact:
    """One line of the report."""

    group: str
    what: str
    found: str
    remedy: str = ""
    """The command that installs what is missing."""
    is_needed: bool = True
    """Whether grapy needs it."""

    @property
    def is_fault(self) -> bool:
        """Whether grapy needs it and it is missing."""
        return self.is_needed and bool(self.remedy)


def check_machine() -> Iterator[Fact]:
    """Run all checks; what is missing is a fact too."""
    yield from _versions()
    yield from _devices()
    yield from _weights()
    yield from _places()
    yield from _extras()


def _versions() -> Iterator[Fact]:
    yield Fact("versions", "grapy", __version__)
    yield Fact("versions", "python", f"{platform.python_version()}, {sys.executable}")
    yield Fact("versions", "platform", platform.platform())
    for module, package in PACKAGES.items():
        try:
            yield Fact("versions", package, str(importlib.import_module(module).__version__))
        except (ImportError, OSError) as error:
            remedy = hint_of_import(error) or f"pip install {package}"
            yield Fact("versions", package, f"missing: {error}", remedy)


def _devices() -> Iterator[Fact]:
    try:
        import torch

        from grapy_cli.runtime.device import usable_cores
    except (ImportError, OSError):
        return
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    built = f"torch is built for CUDA {torch.version.cuda}" if torch.version.cuda else ""
    absent = f"no device; {built or 'torch is built without CUDA'}"
    yield Fact("devices", "CUDA", ", ".join(names) or absent)
    has_mps = torch.backends.mps.is_available()
    yield Fact("devices", "MPS", "available" if has_mps else "no device")
    omp = os.environ.get("OMP_NUM_THREADS", "not set")
    threads = f"{torch.get_num_threads()} of torch, OMP_NUM_THREADS {omp}"
    yield Fact("devices", "CPU", f"{usable_cores()} usable of {os.cpu_count()} cores, {threads}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield Fact("devices", "memory", f"{memory / 2**30:.1f} GiB")


def _weights() -> Iterator[Fact]:
    again = "In grapy's repository: pip install --force-reinstall --no-deps ."
    try:
        from grapy_cli.model.weights import embedded_weights, read_card

        found = embedded_weights()
        for name, path in found.items():
            read_card(path)
            digest = file_digest(path)
            size = path.stat().st_size / 1e6
            yield Fact("weights", name, f"readable, {size:.1f} MB, sha256 {digest[:16]}")
    except (ImportError, OSError, GrapyError) as error:
        yield Fact("weights", "embedded", f"missing: {error}", again)
    else:
        if not found:
            yield Fact("weights", "embedded", "none; name a file with --weights")


def _places() -> Iterator[Fact]:
    yield _place("this folder", Path.cwd())
    temporary = Path(tempfile.gettempdir())
    yield _place("temporary", temporary)
    compiled = os.environ.get("TORCHINDUCTOR_CACHE_DIR") or temporary / "torchinductor_*"
    yield Fact(
        "places", "cache", f"grapy keeps none; train --compile fills that of torch: {compiled}"
    )


def _place(what: str, folder: Path) -> Fact:
    rights = "writable" if os.access(folder, os.W_OK) else "read-only"
    free = shutil.disk_usage(folder).free / 1e9
    return Fact("places", what, f"{folder}, {rights}, {free:.1f} GB free")


def _extras() -> Iterator[Fact]:
    for name, extra in EXTRAS.items():
        versions = {package: _version(package) for package in extra.packages}
        if all(versions.values()):
            found = ", ".join(f"{package} {version}" for package, version in versions.items())
            yield Fact("extras", name, found)
        else:
            absent = f"absent: {extra.brings}"
            yield Fact("extras", name, absent, install_extra(name), is_needed=False)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
