import numpy as np
import pytest
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.label_maps import count_ids, load_label_map, look_up, save_label_map
from grapy_cli.image_io.photos import load_photo
from grapy_cli.labels import LABEL_SETS


def test_a_photo_is_read_upright(tmp_path):
    upright = np.zeros((6, 4, 3), np.uint8)
    upright[0] = 255  # a bright top edge
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(np.rot90(upright).copy()).save(tmp_path / "p.png", exif=exif)
    photo = load_photo(tmp_path / "p.png")
    assert photo.shape == (6, 4, 3)
    np.testing.assert_array_equal(photo, upright)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_every_kind_of_photo_becomes_rgb(tmp_path, mode):
    Image.new(mode, (5, 3)).save(tmp_path / "p.tif")
    photo = load_photo(tmp_path / "p.tif")
    assert photo.shape == (3, 5, 3)
    assert photo.flags.writeable


@pytest.mark.parametrize("content", [b"", b"not a picture", None])
def test_an_unreadable_photo_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "p.jpg").write_bytes(content)
    with pytest.raises(DatasetError, match=r"p\.jpg"):
        load_photo(tmp_path / "p.jpg")


def soft_picture(mode="RGB"):
    small = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    return Image.fromarray(small).resize((101, 67), Image.Resampling.BICUBIC).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(
    "options", [{}, {"subsampling": 0}, {"progressive": True}, {"quality": 20}, {"optimize": True}]
)
def test_a_jpeg_has_pillows_pixels_whoever_decodes_it(tmp_path, mode, options):
    soft_picture(mode).save(tmp_path / "p.jpg", **options)
    (tmp_path / "longer.jpg").write_bytes((tmp_path / "p.jpg").read_bytes() + b"beside it")
    with Image.open(tmp_path / "p.jpg") as picture:
        expected = np.array(picture.convert("RGB"))
    for name in ("p.jpg", "longer.jpg"):
        np.testing.assert_array_equal(load_photo(tmp_path / name), expected)


def test_a_jpeg_is_read_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    soft_picture().save(tmp_path / "p.jpg", exif=exif)
    soft_picture().save(tmp_path / "upright.jpg")
    turned, upright = (load_photo(tmp_path / name) for name in ("p.jpg", "upright.jpg"))
    np.testing.assert_array_equal(turned, upright[::-1, ::-1])


def test_a_jpeg_that_was_cut_off_is_refused_not_filled_with_gray(tmp_path):
    soft_picture().save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(DatasetError, match=r"cut\.jpg"):
        load_photo(tmp_path / "cut.jpg")


def test_a_label_map_survives_as_indices(tmp_path):
    label_map = np.arange(256, dtype=np.uint8).reshape(8, 32)
    save_label_map(tmp_path / "l.png", label_map, LABEL_SETS["cihp"].palette())
    np.testing.assert_array_equal(load_label_map(tmp_path / "l.png"), label_map)
    with Image.open(tmp_path / "l.png") as picture:
        assert picture.mode == "P"
        assert picture.convert("RGB").getpixel((1, 0)) == LABEL_SETS["cihp"].parts[1].color
    assert [path.name for path in tmp_path.iterdir()] == ["l.png"]


def test_few_ids_are_still_eight_bits(tmp_path):
    save_label_map(
        tmp_path / "l.png", np.zeros((2, 2), np.uint8), LABEL_SETS["pascal"].palette(level=1)
    )
    assert (tmp_path / "l.png").read_bytes()[24] == 8  # bit depth in the PNG header


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "1"])
def test_a_label_map_of_colors_is_refused(tmp_path, mode):
    Image.new(mode, (4, 4)).save(tmp_path / "l.png")
    with pytest.raises(DatasetError, match="neither gray nor indexed"):
        load_label_map(tmp_path / "l.png")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with replacing(path) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (600, 7)])
def test_ids_are_counted_and_looked_up_as_numpy_does(size):
    label_map = np.random.default_rng(0).integers(0, 256, size, np.uint8) // 40
    label_map[0] = 255
    counts = count_ids(label_map)
    np.testing.assert_array_equal(counts, np.bincount(label_map.ravel(), minlength=256))
    table = [3, 3, 0, 7, 1]
    beyond = np.array([*table, *[255] * 251], np.uint8)
    np.testing.assert_array_equal(look_up(label_map, table), beyond[label_map])
