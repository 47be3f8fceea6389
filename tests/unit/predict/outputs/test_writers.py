"""Pictures and arrays as files."""

import numpy as np
import pytest
from PIL import Image

from grapy_cli.labels import LABEL_SETS, Node
from grapy_cli.predict.outputs.writers import part_files
from tests.support.parsings import block_map, parsing_of, write_kind

HEAD, TORSO = np.s_[2:10, 5:15], np.s_[10:30, 3:20]


def opened(path):
    with Image.open(path) as picture:
        return picture.mode, np.array(picture)


def test_a_cutout_is_the_part_and_nothing_beside_it(tmp_path):
    label_map = block_map(head=HEAD, torso=TORSO)
    label_map[4, 7] = 0
    parsing = parsing_of(label_map)
    assert write_kind(parsing, tmp_path, "cutouts") == ["a/head.png", "a/torso.png"]
    mode, head = opened(tmp_path / "a/head.png")
    inside = label_map[HEAD] == 1
    assert mode == "RGBA"
    np.testing.assert_array_equal(head[..., 3], inside * 255)
    np.testing.assert_array_equal(head[..., :3], parsing.photo[HEAD] * inside[..., None])


def test_cutouts_of_an_earlier_run_go_away(tmp_path):
    write_kind(parsing_of(block_map(head=HEAD, torso=TORSO)), tmp_path, "cutouts")
    assert write_kind(parsing_of(block_map(torso=TORSO)), tmp_path, "cutouts") == ["a/torso.png"]
    assert not (tmp_path / "a/head.png").exists()
    assert write_kind(parsing_of(block_map()), tmp_path, "cutouts") == []


def test_contours_leave_the_photo_alone_but_for_the_lines(tmp_path):
    label_map = block_map(120, 100, head=np.s_[30:90, 20:80])
    parsing = parsing_of(label_map, photo=np.full((120, 100, 3), 90, np.uint8))
    write_kind(parsing, tmp_path, "contours")
    _, picture = opened(tmp_path / "a.png")
    assert (parsing.photo == 90).all()
    changed = (picture != 90).any(-1)
    assert changed[30, 30:70].all()
    assert not changed[:26].any()
    assert not changed[35:85, 25:75].any()
    # Anti-aliased: nearly the part's color, a dark red, on white.
    red, green, blue = picture[30, 50].astype(int)
    assert red - green > 60
    assert red - blue > 60
    assert (picture[29, 50] > 150).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3)])
@pytest.mark.parametrize("save", ["contours", "cutouts", "overlay", "entropy", "polygons"])
def test_the_smallest_photos_can_be_written(tmp_path, shape, save):
    assert len(write_kind(parsing_of(np.ones(shape)), tmp_path, save)) == 1


def test_entropy_is_black_where_certain_and_white_where_anything_goes(tmp_path):
    write_kind(parsing_of(np.ones((5, 4)), sure=1e3), tmp_path, "entropy", "sure")
    write_kind(parsing_of(np.ones((5, 4)), sure=0), tmp_path, "entropy", "open")
    assert opened(tmp_path / "sure.png")[0] == "L"
    assert (opened(tmp_path / "sure.png")[1] == 0).all()
    assert (opened(tmp_path / "open.png")[1] == 255).all()


def test_entropy_is_that_of_the_probabilities():
    parsing = parsing_of(np.arange(12).reshape(4, 3) % 7, sure=1.5)
    probabilities = parsing.probabilities().astype(np.float64)
    expected = -(probabilities * np.log(probabilities)).sum(0)
    np.testing.assert_allclose(parsing.entropy(), expected, atol=5e-3)


def test_masks_can_hold_some_parts_alone_in_another_tool_s_order(tmp_path):
    cihp = LABEL_SETS["cihp"]
    label_map = np.arange(20, dtype=np.uint8).reshape(4, 5)
    parsing = parsing_of(label_map, cihp)
    write_kind(parsing, tmp_path, "mask", only=["hair", "dress"], remap="lip")
    mode, mask = opened(tmp_path / "a.png")
    kept = (label_map == cihp.names.index("hair")) | (label_map == cihp.names.index("dress"))
    assert mode == "P"
    np.testing.assert_array_equal(mask, np.where(kept, label_map, 0))


def test_names_no_file_can_have_get_their_id():
    names = ["background", "up/down", "..", "x"]
    nodes = [Node(name, (0, 0, index)) for index, name in enumerate(names)]
    assert part_files(nodes) == {1: "1-up-down.png", 2: "2-.png", 3: "3-x.png"}
    cased = [Node(name, (0, 0, 0)) for name in ("background", "Arm", "arm")]
    assert part_files(cased) == {1: "1-Arm.png", 2: "2-arm.png"}
