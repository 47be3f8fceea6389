import sys

import numpy as np
import pytest
from PIL import Image

from grapy_cli.image_io.formats import learn_heif, photo_formats
from grapy_cli.image_io.label_maps import count_ids
from grapy_cli.labels import LABEL_SETS
from grapy_cli.prepare.check import check_ids, check_photo, read_label
from grapy_cli.prepare.problems import BadSample
from grapy_cli.prepare.sources import PASCAL_COLORS, SOURCES


def read(path, colors):
    return read_label(path, SOURCES["pascal"]._replace(colors=colors)).ids


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    path = tmp_path / "p.jpg"
    Image.fromarray(pixels).save(path)
    return path


def test_a_photo_has_its_upright_size(photo):
    assert check_photo(photo.read_bytes()) == (60, 80, 1)
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.open(photo).save(photo, exif=exif)
    assert check_photo(photo.read_bytes()) == (80, 60, 8)


@pytest.mark.parametrize("keep", [0, 20, 0.5, 0.95])
def test_a_truncated_photo_is_refused(photo, keep):
    whole = photo.read_bytes()
    photo.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(BadSample, match="cannot be read"):
        check_photo(photo.read_bytes())


def test_a_heic_without_the_extra_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as Python marks what is not there
    for cached in (learn_heif, photo_formats):
        cached.cache_clear()
    try:
        with pytest.raises(BadSample, match=r"pip install '.\[heif\]'"):
            check_photo(b"\0\0\0\x18ftypheic\0\0\0\0")
    finally:
        for cached in (learn_heif, photo_formats):
            cached.cache_clear()


@pytest.mark.parametrize("mode", ["L", "P"])
def test_gray_and_indexed_label_maps_are_ids(tmp_path, mode):
    ids = np.array([[0, 1], [6, 255]], np.uint8)
    picture = Image.fromarray(ids)
    if mode == "P":
        picture.putpalette(list(range(256)) * 3)
    picture.save(tmp_path / "l.png")
    np.testing.assert_array_equal(read(tmp_path / "l.png", PASCAL_COLORS), ids)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("shift", [-4, 0, 4])
def test_colors_are_decoded_with_some_tolerance(tmp_path, mode, shift):
    colors = np.array(list(PASCAL_COLORS), int)[None]
    picture = Image.fromarray(np.clip(colors + shift, 0, 255).astype(np.uint8))
    picture.convert(mode).save(tmp_path / "l.png")
    ids = read(tmp_path / "l.png", PASCAL_COLORS)
    np.testing.assert_array_equal(ids, [list(PASCAL_COLORS.values())])


def test_unknown_colors_are_named(tmp_path):
    Image.new("RGB", (2, 2), (10, 200, 30)).save(tmp_path / "l.png")
    with pytest.raises(BadSample, match="10, 200, 30"):
        read(tmp_path / "l.png", PASCAL_COLORS)


def test_colors_without_a_table_are_refused(tmp_path):
    Image.new("RGB", (2, 2), "red").save(tmp_path / "l.png")
    with pytest.raises(BadSample, match="colors where ids belong"):
        read(tmp_path / "l.png", {})


def test_a_truncated_label_map_is_refused(tmp_path):
    path = tmp_path / "l.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 7, (99, 99), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(BadSample, match="cannot be read"):
        read(path, {})


def test_foreign_ids_are_named_with_their_pixels():
    counts = count_ids(np.array([[0, 7, 7], [200, 255, 6]], np.uint8))
    reason = r"ids 7 \(2 pixels\), 200 \(1 pixels\), but pascal has 0 to 6"
    with pytest.raises(BadSample, match=reason) as error:
        check_ids(counts, LABEL_SETS["pascal"])
    assert error.value.problem == "foreign-ids"


def test_all_ids_of_the_label_set_and_ignore_are_fine():
    check_ids(count_ids(np.array([[0, 6, 255]], np.uint8)), LABEL_SETS["pascal"])


def test_ids_that_are_one_too_high_are_guessed():
    with pytest.raises(BadSample, match="one too high") as error:
        check_ids(count_ids(np.array([[1, 6, 7]], np.uint8)), LABEL_SETS["pascal"])
    assert error.value.problem == "ids-from-1"
