import subprocess
import sys
import threading

import pytest

from grapy_cli.runtime import lock
from grapy_cli.runtime.lock import LockedError, locked
from tests.support.command_line import plain_environment

pytest.importorskip("fcntl", reason="this system has no such locks")


def holder(path):
    """Another process that holds the lock until it is killed."""
    code = (
        "import sys, time; from pathlib import Path; from grapy_cli.runtime.lock import locked\n"
        "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(path)]
    process = subprocess.Popen(command, env=plain_environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_held_by_one_and_leaves_nothing(tmp_path):
    path = tmp_path / "deep" / "lock"
    with locked(path):
        assert path.exists()
        with pytest.raises(LockedError, match="deep is being worked on by process"), locked(path):
            pass
        assert path.exists()
    assert not path.exists()
    with locked(path):
        pass


def test_a_lock_may_be_shared(tmp_path):
    path = tmp_path / "lock"
    with locked(path, shared=True):
        with locked(path, shared=True), pytest.raises(LockedError), locked(path):
            pass
        assert path.exists()  # the other still holds it
        with pytest.raises(LockedError), locked(path):
            pass
    assert not path.exists()


def test_of_a_process_that_was_killed_it_is_taken_over(tmp_path):
    path = tmp_path / "lock"
    process = holder(path)
    try:
        with pytest.raises(LockedError, match=f"process {process.pid} on "), locked(path):
            pass
    finally:
        process.kill()
        process.communicate()
    assert path.exists()
    with locked(path):
        pass
    assert not path.exists()


def test_with_patience_it_is_taken_when_it_is_free(tmp_path):
    path = tmp_path / "lock"
    process = holder(path)
    threading.Timer(0.2, process.kill).start()
    with locked(path, patience=60.0):
        assert process.wait() != 0
    process.communicate()


def test_folders_made_for_it_alone_go_with_it(tmp_path):
    with locked(tmp_path / "a" / "b" / "lock"):
        pass
    assert not list(tmp_path.iterdir())
    with locked(tmp_path / "a" / "b" / "lock"):
        (tmp_path / "a" / "result").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "result"]


def test_a_folder_that_was_there_stays(tmp_path):
    with locked(tmp_path / "lock"):
        pass
    assert tmp_path.exists()


def test_a_system_without_such_locks_works_without_them(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)  # as on Windows, where open files cannot be removed
    path = tmp_path / "deep" / "lock"
    with locked(path), locked(path):
        assert list(path.parent.iterdir()) == []
    assert not path.parent.exists()
