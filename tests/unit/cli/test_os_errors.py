import errno

import pytest

from grapy_cli.cli.os_errors import grapy_error_of


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.ENOSPC, "TMPDIR"), (errno.EROFS, "may write"), (errno.EMFILE, "ulimit")],
)
def test_what_the_system_refuses_has_a_hint(number, hint):
    fault = grapy_error_of(OSError(number, "no", "there"))
    assert fault.exit_code == 2
    assert "there" in fault.message
    assert hint in fault.hint


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "no such file", "ours"),
        ModuleNotFoundError("no", name="grapy_cli.nowhere"),
        ImportError("cannot import name 'x' from 'grapy_cli'"),
        ValueError("no"),
    ],
)
def test_what_may_be_a_defect_of_ours_keeps_its_traceback(error):
    assert grapy_error_of(error) is None


def test_a_package_that_is_missing_is_named():
    fault = grapy_error_of(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert "torch" in fault.message
    assert "doctor" in fault.hint


@pytest.mark.parametrize(
    "error",
    [MemoryError(), ImportError("x.so: failed to map segment from shared object")],
)
def test_too_little_memory_is_the_machines(error):
    fault = grapy_error_of(error)
    assert fault.exit_code == 6
    assert "ulimit" in fault.hint
