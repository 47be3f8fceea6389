"""The wheel: what is in it, that the source distribution builds the same, and so does anybody."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import PurePosixPath

import pytest

from grapy_cli import __version__
from tests.support.command_line import ROOT, plain_environment

pytest.importorskip("hatchling", reason="the build backend is not installed")


def build(source, out, kind="wheel"):
    """Build without isolation, so without a network."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(out)],
        cwd=source,
        env=plain_environment(SOURCE_DATE_EPOCH="1700000000"),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(ROOT, folder / "packed", "sdist")) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"grapy_cli-{__version__}"


def names_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = names_of(wheel)
    about = f"grapy_cli-{__version__}.dist-info"
    assert {name.parts[0] for name in names} == {"grapy_cli", about}
    of_package = {name.suffix for name in names if name.parts[0] == "grapy_cli"}
    assert of_package == {".css", ".html", ".js", ".py", ".md", ".safetensors", ".typed"}
    assert not [name for name in names if re.search(r"tests?/|test_|conftest|\.pyc", str(name))]
    of_disk = {
        PurePosixPath(path.relative_to(ROOT))
        for path in (ROOT / "grapy_cli").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.parts[0] == "grapy_cli"} == of_disk
    assert PurePosixPath("grapy_cli/pretrained/grapy-lite.safetensors") in names
    assert PurePosixPath(about, "licenses/LICENSE") in names


def test_a_second_build_is_the_same_to_the_byte(wheel, tmp_path):
    again = build(ROOT, tmp_path)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_source_distribution_builds_the_same_wheel(wheel, unpacked, tmp_path):
    assert build(unpacked, tmp_path).read_bytes() == wheel.read_bytes()


def test_the_source_distribution_holds_what_its_tests_need(unpacked):
    there = {path.name for path in unpacked.iterdir()}
    assert {"grapy_cli", "tests", "examples", "pyproject.toml", "README.md", "LICENSE"} <= there
    assert not list(unpacked.rglob("*.pyc"))
