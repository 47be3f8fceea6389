import shutil
from types import SimpleNamespace

import pytest

from grapy_cli.train.shared_memory import MIB, shortage


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A shared memory of 64 MiB, as Docker gives one."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=64 * MIB))
    return tmp_path


def test_batches_that_do_not_fit_are_said_with_what_to_do(place):
    # 2 workers hold 4 batches each of 10 photos with a label map: 80 MiB.
    text = shortage(10, (512, 512), 1, 2, place)
    assert f"{place} has 64 MiB free, and 2 workers fill up to 81 MiB" in text
    assert "--shm-size=144m" in text
    assert "--workers 0" in text


def test_batches_that_fit_need_no_word(place):
    assert shortage(10, (256, 256), 1, 2, place) == ""
    assert shortage(10, (512, 512), 1, 0, place) == ""
    assert shortage(10, (512, 512), 1, 2, place / "none") == ""
