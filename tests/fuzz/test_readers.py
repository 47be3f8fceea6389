"""Whatever a reader is given, it returns or raises a GrapyError, and takes no memory to speak of.

A few dozen damaged files a reader are tried here; for thousands of each:

    pytest tests/fuzz -m fuzz --hypothesis-profile nightly
"""

import resource
import shutil
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grapy_cli.errors import GrapyError
from tests.fuzz.mutations import damaged
from tests.fuzz.readers import READERS

IS_NIGHTLY = settings.get_current_profile_name() == "nightly"
QUICK = settings(settings.get_profile("nightly"), max_examples=15, derandomize=True)
NEEDED = {"photo of a phone": "pillow_heif", "video": "av"}
REGRESSIONS = Path(__file__).parent / "regressions"
MOST_MEMORY = 700
"""MiB that a file of a few KiB may cost; a photo at Pillow's limit has 540."""


def check(name, data, folder):
    """Feed a reader a file in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = memory()
    with warnings.catch_warnings():  # of Pillow's, about what it makes do with
        warnings.simplefilter("ignore")
        with suppress(GrapyError):
            READERS[name].read(data, folder)
    assert memory() - before < MOST_MEMORY


def memory():
    """The most this process ever had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


@pytest.mark.timeout(3600 if IS_NIGHTLY else 180)
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_read_or_refused(name, tmp_path):
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"reading a {name} needs an extra")
    seeds = READERS[name].seeds()
    runs = settings() if IS_NIGHTLY else QUICK

    @runs
    @given(st.data())
    def feed(data):
        check(name, data.draw(damaged(seeds)), tmp_path / "own")

    feed()


@pytest.mark.parametrize("name", READERS)
def test_whole_files_are_taken(name, tmp_path):
    """One of each kind at least: a reader that refuses everything would pass the test above."""
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"reading a {name} needs an extra")
    taken = 0
    for data in READERS[name].seeds():
        folder = tmp_path / "own"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                READERS[name].read(data, folder)
                taken += 1
            except GrapyError:
                continue
    assert taken or name in ("checkpoint", "card of a data set", "list of a data set")


@pytest.mark.parametrize("path", sorted(REGRESSIONS.iterdir()), ids=lambda path: path.name)
def test_what_once_broke_a_reader_does_so_no_more(path, tmp_path):
    check(path.name.partition(".")[0].replace("-", " "), path.read_bytes(), tmp_path / "own")
