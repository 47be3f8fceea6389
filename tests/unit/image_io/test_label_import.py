"""Label maps of other tools: every way to store the same ids gives the same ids."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from grapy_cli.image_io.label_import import LabelMapError, import_labels
from tests.support.photos import png

COLORS = {(0, 0, 0): 0, (255, 0, 0): 1, (0, 255, 0): 2, (0, 0, 255): 3}
PALETTE = [channel for color in COLORS for channel in color]
IDS = np.array([[0, 1, 2, 3], [3, 3, 0, 1]], np.uint8)

NOISE = np.random.default_rng(0).integers(0, 4, (99, 99), dtype=np.uint8)


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gray(ids, mode="L"):
    return Image.fromarray(ids).convert(mode)


def indexed(indices, palette):
    picture = Image.fromarray(np.asarray(indices, np.uint8), "P")
    picture.putpalette(palette)
    return picture


def permuted(order, filler=()):
    """The ids as an indexed picture whose palette has the colors in another order."""
    table = [channel for part in order for channel in list(COLORS)[part]]
    return indexed(np.argsort(order)[IDS], [*table, *filler])


def rgb(ids, spread=lambda ids: [ids, ids, ids]):
    return Image.fromarray(np.stack(spread(ids), axis=-1).astype(np.uint8))


def read(data, colors=COLORS, num_parts=4):
    return import_labels(data, colors, num_parts=num_parts)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(gray(IDS)), id="gray"),
        pytest.param(encoded(gray(IDS), "TIFF"), id="gray TIFF"),
        pytest.param(encoded(gray(IDS), "BMP"), id="gray BMP"),
        pytest.param(encoded(indexed(IDS, PALETTE)), id="indexed"),
        pytest.param(encoded(indexed(IDS, list(range(256)) * 3)), id="indexed in other colors"),
        pytest.param(png(IDS, 2, 0), id="2 bits"),
        pytest.param(png(IDS, 4, 0), id="4 bits"),
        pytest.param(png(IDS, 16, 0), id="16 bits"),
        pytest.param(encoded(Image.fromarray(IDS.astype(np.uint16)), "TIFF"), id="16 bits TIFF"),
        pytest.param(encoded(Image.fromarray(IDS.astype(np.int32)), "TIFF"), id="32 bits TIFF"),
        pytest.param(encoded(Image.fromarray(IDS.astype(np.float32)), "TIFF"), id="floats"),
        pytest.param(png(IDS.astype(np.uint16) * 257, 16, 0), id="8 bits in 16"),
        pytest.param(encoded(gray(IDS, "LA")), id="gray with alpha"),
        pytest.param(encoded(rgb(IDS)), id="three equal channels"),
        pytest.param(encoded(rgb(IDS).convert("RGBA")), id="three equal channels and alpha"),
        pytest.param(encoded(rgb(IDS), "BMP"), id="three equal channels, BMP"),
        pytest.param(png(np.stack([IDS] * 3, -1), 16, 2), id="three equal channels of 16 bits"),
        pytest.param(encoded(rgb(IDS, lambda i: [i, 0 * i, 0 * i])), id="the red channel alone"),
        pytest.param(encoded(indexed(IDS, PALETTE).convert("RGB")), id="colors"),
        pytest.param(encoded(indexed(IDS, PALETTE).convert("RGBA")), id="colors and alpha"),
        pytest.param(encoded(permuted([0, 2, 1, 3])), id="palette in another order"),
        pytest.param(encoded(permuted([3, 2, 1, 0])), id="palette the other way round"),
        pytest.param(
            encoded(permuted([0, 2, 3, 1], [7, 7, 7] * 252)), id="another order, then gray"
        ),
        pytest.param(
            encoded(indexed(IDS, PALETTE).convert("RGB").quantize(4)), id="reduced to 4 colors"
        ),
    ],
)
def test_every_way_to_store_ids_gives_the_ids(data):
    np.testing.assert_array_equal(read(data).ids, IDS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (encoded(permuted([0, 2, 1, 3])), "palette-order"),
        (encoded(rgb(IDS)), "ids-as-colors"),
        (png(IDS % 2, 1, 0), "one-bit"),
        (encoded(indexed(IDS, [0, 0, 0, 250, 200, 9, 80, 90, 70, 1, 2, 9])), "palette-foreign"),
        (encoded(indexed(IDS, [0, 0, 0, 0, 255, 0, 9, 9, 200, 5, 5, 99])), "palette-contradicts"),
    ],
)
def test_a_choice_is_told(data, problem):
    assert [remark.problem for remark in read(data).remarks] == [problem]


@pytest.mark.parametrize(
    "data",
    [encoded(gray(IDS)), encoded(indexed(IDS, PALETTE)), png(IDS, 2, 0), png(IDS, 16, 0)],
)
def test_what_is_plain_needs_no_remark(data):
    assert read(data).remarks == ()


def test_the_palette_of_another_tool_is_not_taken_for_another_order():
    """Its first colors belong to the label set by chance; the others do not."""
    palette = [0, 0, 0, 0, 255, 0, 255, 0, 0, 128, 128, 0, 64, 0, 128, 192, 0, 128]
    read_by = read(encoded(indexed([[0, 1, 2]], palette)))
    assert read_by.ids.tolist() == [[0, 1, 2]]
    assert [remark.problem for remark in read_by.remarks] == ["palette-contradicts"]


@pytest.mark.parametrize("palette", [[0] * 12, [0, 0, 0, 255, 0, 0, 255, 0, 0, 0, 0, 255]])
def test_a_palette_that_tells_parts_not_apart_never_joins_them(palette):
    np.testing.assert_array_equal(read(encoded(indexed(IDS, palette))).ids, IDS)


def test_one_bit_is_background_and_person():
    mask = png(IDS % 2, 1, 0)
    person = read(mask, {}, num_parts=2)
    np.testing.assert_array_equal(person.ids, IDS % 2)
    assert person.remarks == ()


@pytest.mark.parametrize("ignored", [65535, 255])
def test_ignored_pixels_of_16_bits_stay_ignored(ignored):
    ids = IDS.astype(np.uint16)
    ids[0, 0] = ignored
    assert read(png(ids, 16, 0)).ids[0].tolist() == [255, 1, 2, 3]


@pytest.mark.parametrize(
    ("data", "problem", "says"),
    [
        (png(IDS.astype(np.uint16) * 300, 16, 0), "foreign-ids", "values from 0 to 900"),
        (encoded(Image.fromarray(IDS / np.float32(2)), "TIFF"), "foreign-ids", "fractions"),
        (encoded(Image.new("RGB", (2, 2), (10, 200, 30))), "colors", "10, 200, 30"),
        (encoded(rgb(2 * IDS)), "colors", "6, 6, 6"),
        (encoded(Image.new("CMYK", (2, 2)), "TIFF"), "colors", "CMYK"),
        (b"no picture", "unreadable-label", "not a picture"),
        (encoded(gray(NOISE))[:-300], "truncated-label", "cannot be read"),
        (encoded(gray(IDS), "TIFF", compression="jpeg"), "unreadable-label", "JPEG"),
    ],
)
def test_what_is_lost_is_refused_with_its_name(data, problem, says):
    with pytest.raises(LabelMapError, match=says) as error:
        read(data)
    assert error.value.problem == problem
    assert "8-bit gray or indexed PNG" in error.value.hint


def test_ids_that_start_at_1_are_read_so_that_their_own_hint_can_be_given():
    np.testing.assert_array_equal(read(encoded(rgb(IDS + 1))).ids, IDS + 1)


def with_alpha(picture, alpha):
    picture.putalpha(Image.fromarray(alpha))
    return encoded(picture)


def test_what_is_transparent_is_background():
    clear = np.where(IDS == 0, 0, 255).astype(np.uint8)
    white = indexed(IDS, [255, 255, 255, *PALETTE[3:]]).convert("RGB")
    for data in (with_alpha(gray(IDS), clear), with_alpha(white, clear)):
        imported = read(data)
        np.testing.assert_array_equal(imported.ids, IDS)
        assert [remark.problem for remark in imported.remarks] == ["clear-background"]


@pytest.mark.parametrize("alpha", [np.where(IDS == 3, 0, 255), np.where(IDS == 3, 99, 255)])
@pytest.mark.parametrize("picture", [gray(IDS), indexed(IDS, PALETTE).convert("RGB")])
def test_parts_under_transparency_are_refused(picture, alpha):
    with pytest.raises(LabelMapError, match="transparent"):
        read(with_alpha(picture.copy(), alpha.astype(np.uint8)))


def test_opencv_writes_what_is_read(tmp_path):
    cv2.imwrite(str(tmp_path / "l.tif"), IDS.astype(np.uint16))
    np.testing.assert_array_equal(read((tmp_path / "l.tif").read_bytes()).ids, IDS)
