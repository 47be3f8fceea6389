"""Everything that is installed is pinned, hashed, and under a license that allows its use."""

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.command_line import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
EXTRAS = PROJECT["project"]["optional-dependencies"]
PERMISSIVE = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause"),
    *("BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-CMU", "PSF-2.0", "Zlib"),
    "MPL-2.0",  # asks nothing of what stands beside it
}


def pins_of(name):
    text = (ROOT / ".ci" / name).read_text()
    return {canonicalize_name(package): version for package, version in PINS.findall(text)}


def brought_by(requirements):
    """Names of all packages that these bring, found by what is installed here.

    Torch's are left out: those of its builds for GPUs differ between machines.
    """
    left, seen = [Requirement(one) for one in requirements], set()
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        chosen = [{"extra": extra} for extra in ("", *requirement.extras)]
        for need in map(Requirement, [] if name == "torch" else needs):
            if need.marker is None or any(map(need.marker.evaluate, chosen)):
                left.append(need)
    return seen


def licenses():
    lines = (ROOT / ".ci" / "licenses.txt").read_text().splitlines()
    rows = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return dict(rows)


RUN_TIME = PROJECT["project"]["dependencies"] + [
    one for extra, of_one in EXTRAS.items() if extra != "dev" for one in of_one
]


def test_whatever_is_installed_is_pinned():
    wanted = RUN_TIME + EXTRAS["dev"] + PROJECT["build-system"]["requires"]
    assert brought_by(wanted) <= set(pins_of("constraints.txt"))


def test_the_hashed_pins_are_the_pins():
    """Torch alone has no hash: each kind of machine has a build of its own."""
    pins = pins_of("constraints.txt")
    del pins["torch"]
    assert pins_of("requirements.txt") == pins
    blocks = re.split(r"\n(?=\S)", (ROOT / ".ci" / "requirements.txt").read_text().strip())
    assert len(blocks) == len(pins)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks)


def test_every_dependency_that_a_user_gets_has_a_permissive_license():
    known = licenses()
    assert brought_by(RUN_TIME) <= set(known)
    for package, license in known.items():
        own = re.split(r" AND | OR ", license)
        assert set(own) <= PERMISSIVE, package


@pytest.mark.parametrize("package", licenses())
def test_the_license_is_what_the_package_says(package):
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed")
    said = [about.get("License-Expression"), about.get("License"), *about.get_all("Classifier", [])]
    words = re.sub(r"[^a-z]+", " ", " ".join(filter(None, said)).lower())
    first = re.split(r"[-\d ]", licenses()[package])[0].lower()
    assert first in words.split() or about.get("License-Expression") == licenses()[package]
