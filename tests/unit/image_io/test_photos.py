import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image, features

from grapy_cli.errors import PhotoError
from grapy_cli.image_io.formats import learn_heif, photo_formats
from grapy_cli.image_io.photos import open_photo, read_photo, read_shrunk, read_size
from tests.support.odd_photos import EXIF_TURNS, color_scene
from tests.support.photos import png_that_claims

RED, WHITE = [255, 0, 0], [255, 255, 255]


def saved(picture, path, **options):
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_read_upright(tmp_path, orientation):
    upright = np.zeros((6, 4, 3), np.uint8)
    upright[0, 0] = RED
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(turned.copy()), tmp_path / "p.png", exif=exif)
    np.testing.assert_array_equal(read_photo(path), upright)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(read_photo(picture), upright)


def half_transparent(mode):
    """Two pixels: opaque and transparent."""
    if mode == "P":
        picture = Image.new("P", (2, 1))
        picture.putpalette([*RED, 0, 255, 0])
        picture.putpixel((1, 0), 1)
        picture.info["transparency"] = 1
        return picture
    picture = Image.new(mode, (2, 1), (255, 0, 0, 255) if mode == "RGBA" else (100, 255))
    picture.putpixel((1, 0), (0, 0, 255, 0) if mode == "RGBA" else (0, 0))
    return picture


@pytest.mark.parametrize(("mode", "color"), [("RGBA", RED), ("P", RED), ("LA", [100] * 3)])
def test_transparency_lies_on_white(tmp_path, mode, color):
    path = saved(half_transparent(mode), tmp_path / "p.png")
    np.testing.assert_array_equal(read_photo(path), [[color, WHITE]])


def test_a_transparent_color_lies_on_white(tmp_path):
    picture = Image.new("RGB", (2, 1), "red")
    picture.putpixel((1, 0), (1, 2, 3))
    path = saved(picture, tmp_path / "p.png", transparency=(1, 2, 3))
    np.testing.assert_array_equal(read_photo(path), [[RED, WHITE]])


def test_half_a_shadow_is_half_gray():
    picture = Image.new("RGBA", (1, 1), (0, 0, 0, 128))
    assert read_photo(picture)[0, 0].tolist() == [127] * 3


def test_16_bits_are_scaled_to_8(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    path = saved(Image.fromarray(values), tmp_path / "p.png")
    assert read_photo(path)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert read_photo(Image.fromarray(values.astype(np.int32)))[0, :, 2].tolist() == [
        0,
        1,
        128,
        255,
    ]


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("L", "png"), ("1", "png"), ("CMYK", "jpg"), ("CMYK", "tif"), ("YCbCr", "jpg"), ("P", "gif")],
)
def test_every_mode_becomes_rgb(tmp_path, mode, suffix):
    path = saved(Image.new("RGB", (5, 3), "white").convert(mode), tmp_path / f"p.{suffix}")
    photo = read_photo(path)
    assert photo.shape == (3, 5, 3)
    assert photo.min() >= 250
    assert photo.flags.writeable


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif", "png"])
def test_of_a_film_the_first_frame(tmp_path, suffix):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime")]
    path = tmp_path / f"p.{suffix}"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(read_photo(path)[0, 0], RED, atol=2)


def test_one_pixel(tmp_path):
    assert read_photo(saved(Image.new("RGB", (1, 1), "red"), tmp_path / "p.png")).shape == (1, 1, 3)


def test_a_suffix_that_lies_does_no_harm(tmp_path):
    assert read_photo(saved(Image.new("RGB", (3, 2)), tmp_path / "p.jpg", format="PNG")).shape == (
        2,
        3,
        3,
    )


def test_a_photo_that_does_not_exist_is_named_once(tmp_path):
    with pytest.raises(PhotoError) as caught:
        read_photo(tmp_path / "none.jpg")
    assert caught.value.message == f"the photo {tmp_path / 'none.jpg'} does not exist"


@pytest.mark.parametrize("content", [b"", b"hello, I am no photo\n"])
def test_what_is_no_photo_is_named_once(tmp_path, content):
    path = tmp_path / "p.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    assert caught.value.message.startswith(f"the photo {path} cannot be read: ")
    assert caught.value.message.count("cannot be read") == 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tif", "bmp"])
def test_a_photo_that_breaks_off_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / f"p.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoError, match=path.name):
        read_photo(path)


def test_a_bomb_is_refused_and_the_limit_named(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(png_that_claims(30_000, 30_000))
    with pytest.raises(PhotoError, match="exceeds limit of"):
        read_photo(path)


def test_a_hundred_megapixels_raise_no_warning():
    """Pillow warns from 89 megapixels on, and warnings are errors here."""
    assert open_photo(png_that_claims(10_000, 10_000)).size == (10_000, 10_000)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 0.5, 1], [0, 127, 255]), ([0, 100, 255], [0, 100, 255]), ([0, 500, 1000], [0, 127, 255])],
)
def test_floats_are_brought_to_bytes(tmp_path, values, expected):
    path = saved(Image.fromarray(np.array([values], np.float32)), tmp_path / "p.tif")
    assert read_photo(path)[0, :, 1].tolist() == expected


def test_floats_that_are_no_numbers_are_black_or_white():
    values = np.array([[np.nan, 0.5, np.inf]], np.float32)
    assert read_photo(Image.fromarray(values)).shape == (1, 3, 3)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_photo_is_shrunk_while_it_is_read_and_its_size_kept(tmp_path, suffix, orientation):
    ramp = np.linspace(0, 255, 400).astype(np.uint8)
    pixels = np.repeat(np.broadcast_to(ramp, (300, 400))[..., None], 3, 2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(Image.fromarray(pixels), tmp_path / f"p.{suffix}", exif=exif)
    whole, shrunk = read_shrunk(path), read_shrunk(path, 100)
    assert whole.pixels.shape[:2] == whole.size
    assert shrunk.size == whole.size == ((300, 400) if orientation < 5 else (400, 300))
    assert max(shrunk.pixels.shape) == 100
    small = Image.fromarray(whole.pixels).resize(shrunk.pixels.shape[1::-1])
    difference = shrunk.pixels.astype(int) - np.asarray(small).astype(int)
    assert np.abs(difference)[5:-5, 5:-5].max() <= 6


def ramps():
    """A scene of 400x300 pixels whose corners differ, without details that shrinking loses."""
    return cv2.resize(color_scene(), (400, 300), interpolation=cv2.INTER_LINEAR)


def a_sixth(height, width):
    return -(-height // 6), -(-width // 6)


@pytest.mark.parametrize("orientation", EXIF_TURNS)
@pytest.mark.parametrize("suffix", ["jpg", "mpo"])
def test_a_jpeg_is_reduced_as_far_as_suffices_and_is_upright(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(EXIF_TURNS[orientation](ramps())))
    more = {"save_all": True, "append_images": [stored]} if suffix == "mpo" else {}
    path = saved(stored, tmp_path / f"p.{suffix}", exif=exif, quality=95, **more)
    reduced = read_shrunk(path, enough=a_sixth)
    assert reduced.size == (300, 400)
    assert reduced.pixels.shape == (150, 200, 3)
    assert reduced.notes == ("the JPEG is decoded at 200x150 pixels",)
    expected = cv2.resize(ramps(), (200, 150), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.pixels.astype(int) - expected)[2:-2, 2:-2].max() <= 12


@pytest.mark.parametrize(
    "options", [{"mode": "CMYK"}, {"mode": "L"}, {"progressive": True}, {"subsampling": 0}]
)
def test_every_kind_of_jpeg_is_reduced(tmp_path, options):
    mode = options.pop("mode", "RGB")
    path = saved(Image.fromarray(ramps()).convert(mode), tmp_path / "p.jpg", quality=95, **options)
    whole, reduced = read_shrunk(path), read_shrunk(path, enough=a_sixth)
    assert reduced.pixels.shape == (150, 200, 3)
    expected = cv2.resize(whole.pixels, (200, 150), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.pixels.astype(int) - expected)[2:-2, 2:-2].max() <= 8


def test_a_jpeg_with_a_gain_map_behind_it_is_reduced(tmp_path):
    photo = saved(Image.fromarray(ramps()), tmp_path / "photo.jpg").read_bytes()
    gain_map = saved(Image.new("L", (40, 30)), tmp_path / "map.jpg").read_bytes()
    reduced, alone = (read_shrunk(data, enough=a_sixth) for data in (photo + gain_map, photo))
    assert reduced.pixels.shape == (150, 200, 3)
    np.testing.assert_array_equal(reduced.pixels, alone.pixels)


def test_a_reduced_jpeg_that_is_cut_off_is_an_error(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    data = saved(Image.fromarray(noise), tmp_path / "p.jpg").read_bytes()
    with pytest.raises(PhotoError, match="cannot be read"):
        read_shrunk(data[: len(data) // 2], enough=a_sixth)


@pytest.mark.parametrize("photo", ["p.png", "p.jpg"])
def test_what_is_no_jpeg_or_not_large_enough_is_read_whole(tmp_path, photo):
    path = saved(Image.fromarray(ramps()), tmp_path / photo)
    enough = a_sixth if photo == "p.png" else lambda height, width: (height // 3, width // 3)
    found = read_shrunk(path, enough=enough)
    np.testing.assert_array_equal(found.pixels, read_photo(path))
    assert found.notes == ()


def test_a_very_long_jpeg_is_shrunk(tmp_path):
    path = saved(Image.new("RGB", (2000, 1), "red"), tmp_path / "p.jpg")
    assert read_shrunk(path, 1).pixels.shape == (1, 1, 3)


def test_the_picture_of_a_caller_is_not_shrunk():
    picture = Image.new("RGB", (40, 30))
    assert read_shrunk(picture, 10).pixels.shape == (8, 10, 3)
    assert picture.size == (40, 30)


def test_transparency_and_16_bits_are_shrunk_as_they_are_seen(tmp_path):
    clear = saved(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), tmp_path / "p.png")
    assert (read_shrunk(clear, 10).pixels == 255).all()
    deep = saved(Image.fromarray(np.full((40, 40), 25700, np.uint16)), tmp_path / "d.png")
    assert (read_shrunk(deep, 10).pixels == 100).all()


def test_bytes_are_a_photo(tmp_path):
    path = saved(Image.new("RGB", (3, 2), "red"), tmp_path / "p.png")
    np.testing.assert_array_equal(read_photo(path.read_bytes()), read_photo(path))
    assert read_size(path.read_bytes()) == (2, 3)
    with pytest.raises(PhotoError, match="the photo cannot be read"):
        read_photo(b"none")


def test_an_avif_is_read(tmp_path):
    if not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    path = saved(Image.new("RGB", (8, 6), "red"), tmp_path / "p.avif")
    np.testing.assert_allclose(read_photo(path)[0, 0], RED, atol=6)


@pytest.mark.parametrize("suffix", ["heic", "HEIF"])
def test_a_heic_is_read_with_the_extra(tmp_path, suffix):
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "red")).save(tmp_path / "p.heic")
    path = (tmp_path / "p.heic").rename(tmp_path / f"p.{suffix}")
    photo = read_photo(path)
    assert photo.shape == (48, 64, 3)
    np.testing.assert_allclose(photo[0, 0], RED, atol=6)


def test_a_heic_without_the_extra_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as Python marks what is not there
    learn_heif.cache_clear()
    photo_formats.cache_clear()
    try:
        (tmp_path / "p.heic").write_bytes(b"\0\0\0\x18ftypmif2")
        with pytest.raises(PhotoError, match=r"pip install '.\[heif\]'"):
            read_photo(tmp_path / "p.heic")
    finally:
        learn_heif.cache_clear()
        photo_formats.cache_clear()


def test_threads_leave_the_warnings_of_the_process_alone(tmp_path):
    path = saved(Image.new("RGB", (30, 20)), tmp_path / "p.png")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read_photo, [path] * 200))
    assert warnings.filters == before
