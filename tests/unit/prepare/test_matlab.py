"""MATLAB's files are read as SciPy reads them, and damaged ones do no harm."""

import io
import struct
import zlib

import numpy as np
import pytest

from grapy_cli.prepare import matlab
from grapy_cli.prepare.matlab import load_matlab
from tests.support.tiny import _structs

PEOPLE = [
    {"name": "ö-one", "mask": np.eye(3, dtype=bool), "size": np.array([[1.5, -2]])},
    {"name": "", "mask": np.zeros((2, 5), np.uint8), "size": np.array([[70000]])},
]


def saved(variables, **options):
    from scipy.io import savemat

    written = io.BytesIO()
    savemat(written, variables, **options)
    return written.getvalue()


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def file_of(*elements):
    return bytes(124) + b"\x00\x01IM" + b"".join(elements)


@pytest.mark.parametrize("compressed", [False, True])
def test_variables_are_read_as_scipy_reads_them(compressed):
    from scipy.io import loadmat

    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = "text", np.arange(6).reshape(2, 3)
    data = saved({"people": _structs(PEOPLE), "cells": cells}, do_compression=compressed)
    ours, theirs = load_matlab(data), loadmat(io.BytesIO(data))
    assert [person["name"] for person in ours["people"]] == ["ö-one", ""]
    for person, expected in zip(ours["people"], theirs["people"][0], strict=True):
        np.testing.assert_array_equal(person["mask"], expected["mask"])
        np.testing.assert_array_equal(person["size"], expected["size"])
    assert ours["cells"][0] == theirs["cells"][0, 0][0]
    np.testing.assert_array_equal(ours["cells"][1], theirs["cells"][0, 1])


def test_the_other_order_of_bytes_is_read():
    numbers = b"".join(
        struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)
        for kind, data in (
            (6, struct.pack(">II", 11, 0)),
            (5, struct.pack(">ii", 1, 2)),
            (1, b"x"),
            (4, struct.pack(">HH", 1, 258)),
        )
    )
    data = bytes(124) + b"\x01\x00MI" + struct.pack(">II", 14, len(numbers)) + numbers
    np.testing.assert_array_equal(load_matlab(data)["x"], [[1, 258]])


def test_arrays_in_arrays_without_end_are_refused():
    """They end the whole process where a reader calls itself in C for each of them."""
    inner = element(14, b"")
    for _ in range(3000):
        head = [(6, struct.pack("<II", 1, 0)), (5, struct.pack("<ii", 1, 1)), (1, b"")]
        inner = element(14, b"".join(element(*one) for one in head) + inner)
    with pytest.raises(ValueError, match="too many"):
        load_matlab(file_of(inner))


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(matlab, "LARGEST", 1000)
    with pytest.raises(ValueError, match="it would be more than"):
        load_matlab(file_of(element(15, zlib.compress(bytes(5000)))))


def test_an_array_that_claims_more_than_it_has_is_refused():
    data = saved({"x": np.zeros((2, 2))})
    claims = data.replace(struct.pack("<ii", 2, 2), struct.pack("<ii", 2**31 - 1, 2**31 - 1))
    assert claims != data
    with pytest.raises(ValueError, match="reshape"):
        load_matlab(claims)


def test_objects_and_functions_are_refused():
    data = saved({"x": np.zeros((2, 2))})
    of_class = data.replace(struct.pack("<II", 6, 0), struct.pack("<II", 16, 0), 1)
    assert of_class != data
    with pytest.raises(ValueError, match="class 16"):
        load_matlab(of_class)
