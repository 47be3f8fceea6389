"""Texts and numbers that are today what they were yesterday."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

ARRAYS = Path(__file__).parents[1] / "golden" / "data"


def check_text(text: str, file: Path) -> None:
    """Hold a text to a golden file; a missing file is written, and the test fails once."""
    lines = "".join(f"{line.rstrip()}\n" for line in text.splitlines()).strip("\n") + "\n"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(lines, encoding="utf-8")
        pytest.fail(f"{file.name} did not exist; it is written now: read it, then run again")
    assert lines == file.read_text(encoding="utf-8"), f"to accept it, delete {file} and run again"


def read_golden(name: str) -> dict[str, np.ndarray]:
    """The arrays of a golden file."""
    with np.load(ARRAYS / f"{name}.npz") as arrays:
        return dict(arrays)


def check_golden(
    values: Mapping[str, Tensor | np.ndarray], name: str, *, tolerance: float = 1e-5
) -> None:
    """Hold arrays to a golden file; a missing file is written, and the test fails once.

    Args:
        values: By name; the file has exactly these.
        name: The file's in `tests/golden/data`, without ending.
        tolerance: On the largest difference, as a share of the largest value.
    """
    ours = {key: np.asarray(value) for key, value in values.items()}
    file = ARRAYS / f"{name}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, **{key: array.astype("f4") for key, array in ours.items()})
        pytest.fail(f"{file.name} did not exist; it is written now: look at it, then run again")
    theirs = read_golden(name)
    assert set(ours) == set(theirs)
    for key, array in theirs.items():
        assert ours[key].shape == array.shape, key
        difference = np.abs(ours[key].astype(float) - array).max()
        assert difference <= tolerance * np.abs(array).max(), key
