import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.image_io.arrays import read_array
from grapy_cli.image_io.photos import read_photo

BYTES = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
GRAY = BYTES[..., 0]
ON_THREE = np.repeat(GRAY[..., None], 3, 2)
RGBA = np.random.default_rng(1).integers(0, 256, (5, 7, 4), np.uint8)


@pytest.mark.parametrize(
    ("array", "pixels"),
    [
        (BYTES, BYTES),
        (BYTES[:, ::-1, ::-1], BYTES[:, ::-1, ::-1]),
        (BYTES.astype(np.int64), BYTES),
        (BYTES.astype(np.uint16) * 257, BYTES),
        ((BYTES / 255 * 4095).astype(np.uint16), BYTES),
        ((BYTES / 255).astype(np.float32), BYTES),
        ((BYTES / 255).astype(np.float16), BYTES),
        (BYTES.astype(np.float64), BYTES),
        (GRAY, ON_THREE),
        (GRAY[..., None], ON_THREE),
        (GRAY / 255, ON_THREE),
        (RGBA, read_photo(Image.fromarray(RGBA))),
        (RGBA / 255, read_photo(Image.fromarray(RGBA))),
    ],
)
def test_an_array_is_read_as_a_person_expects(array, pixels):
    read = read_array(array)
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous
    assert np.abs(read.astype(int) - pixels).max() <= (1 if array.dtype == np.uint16 else 0)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.moveaxis(BYTES, 2, 0), r"\(3, 5, 7\), which looks like channels first"),
        (BYTES[None], "several photos"),
        (BYTES[0, 0], r"\(3,\)"),
        (BYTES[..., :2], r"\(5, 7, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), r"\(0, 5, 3\)"),
        (BYTES / 127.5 - 1, "values from -"),
        (BYTES * 3.0, "values from .* to 7"),
        (BYTES / BYTES.max() * 1.02, "values from .* to 1.02"),
        (BYTES.astype(np.int32) * 257, "int32 with values"),
        (np.full((5, 7, 3), np.nan), "not finite"),
        (GRAY > 9, "of type bool"),
        (np.full((5, 7), "a"), "of type <U1"),
        (BYTES.astype(object), "of type object"),
    ],
)
def test_an_array_that_is_not_a_photo_is_refused(array, words):
    with pytest.raises(PhotoError, match=words) as caught:
        read_array(array)
    assert "h x w x 3 (RGB)" in caught.value.hint
