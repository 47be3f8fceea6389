import numpy as np
import pytest

from grapy_cli.image_io.render import color_mask, overlay
from grapy_cli.labels import LABEL_SETS

ATR = LABEL_SETS["atr"]
NODES = ATR.nodes(3)


def photo_of(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def map_of(height, width, part=4):
    """Background with a block of one part in the middle."""
    label_map = np.zeros((height, width), np.uint8)
    label_map[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = part
    return label_map


def test_colors_are_the_label_set_s():
    colors = np.array(color_mask(map_of(8, 8), NODES))
    assert tuple(colors[4, 4]) == ATR.parts[4].color
    assert tuple(colors[0, 0]) == (0, 0, 0)
    assert (
        tuple(np.array(color_mask(np.ones((1, 1), np.uint8), ATR.nodes(2)))[0, 0])
        == ATR.nodes(2)[1].color
    )


def test_the_photo_is_on_top_and_the_legend_below():
    photo, label_map = photo_of(400, 300), map_of(400, 300)
    picture = np.array(overlay(photo, label_map, NODES, 0.6))
    assert picture.shape[1] == 300
    np.testing.assert_array_equal(picture[:90, :], photo[:90])  # above the block
    legend = picture[400:].reshape(-1, 3)
    assert len(legend)
    assert ATR.parts[4].color in {tuple(pixel) for pixel in legend}
    assert ATR.parts[5].color not in {tuple(pixel) for pixel in legend}


def test_the_legend_leaves_out_parts_below_a_thousandth_of_the_photo():
    label_map = map_of(400, 300)
    label_map[0, :119], label_map[1, :120] = 5, 6
    legend = np.array(overlay(photo_of(400, 300), label_map, NODES, 0.6))[400:].reshape(-1, 3)
    shown = {tuple(pixel) for pixel in legend}
    assert ATR.parts[5].color not in shown
    assert ATR.parts[6].color in shown


def test_the_more_alpha_the_more_color():
    photo, label_map = photo_of(400, 300), map_of(400, 300)
    color = np.array(ATR.parts[4].color)
    distances = [
        np.abs(
            np.array(overlay(photo, label_map, NODES, alpha))[200, 150] - color.astype(int)
        ).sum()
        for alpha in (0.0, 0.3, 0.6, 1.0)
    ]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] == 0
    np.testing.assert_array_equal(
        np.array(overlay(photo, label_map, NODES, 0.0))[200, 150], photo[200, 150]
    )


@pytest.mark.parametrize("size", [(1, 1), (400, 300)])
def test_a_photo_of_nobody_is_the_photo(size):
    photo = photo_of(*size)
    picture = overlay(photo, np.zeros(size, np.uint8), NODES, 0.6)
    np.testing.assert_array_equal(np.array(picture), photo)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (64, 64)])
def test_the_legend_of_a_small_photo_has_room(size):
    label_map = np.full(size, 4, np.uint8)
    picture = overlay(photo_of(*size), label_map, NODES, 1.0)
    assert picture.height > size[0]
    assert picture.width >= max(size[1], 40)
    np.testing.assert_array_equal(
        np.array(picture)[: size[0], : size[1]], np.array(color_mask(label_map, NODES))
    )


def white_share(size):
    """White pixels of an edge across a black photo, as a share of its length."""
    label_map = map_of(size, size)
    picture = np.array(overlay(np.zeros((size, size, 3), np.uint8), label_map, NODES, 0.6))
    return (picture[size // 2, :size] == 255).all(-1).sum()


def test_edges_grow_with_the_photo():
    assert [white_share(size) for size in (100, 500, 2000)] == [0, 2, 8]


def test_the_legend_grows_with_the_photo_but_not_beyond_a_panorama():
    heights = {
        (height, width): overlay(
            np.zeros((height, width, 3), np.uint8), map_of(height, width), NODES, 0.6
        ).height
        - height
        for height, width in ((500, 500), (2000, 2000), (500, 2000))
    }
    assert heights[2000, 2000] > 3 * heights[500, 500]
    assert heights[500, 2000] < 60


def test_a_palette_of_every_part_is_in_the_legend_once():
    label_map = np.arange(ATR.num_parts, dtype=np.uint8).repeat(20)[None].repeat(200, 0)
    picture = np.array(overlay(photo_of(*label_map.shape), label_map, NODES, 0.6))
    colors = {tuple(pixel) for pixel in picture[200:].reshape(-1, 3)}
    assert {part.color for part in ATR.parts[1:]} <= colors


def test_a_label_map_of_the_truth_may_ignore_and_may_be_strange():
    label_map = np.array([[0, 1, 200, 255]], np.uint8)
    colors = np.array(color_mask(label_map, NODES))[0]
    assert colors[2].tolist() == [127] * 3
    assert colors[3].tolist() == [255] * 3
    assert tuple(colors[1].tolist()) == NODES[1].color
