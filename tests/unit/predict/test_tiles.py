import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli import HumanParser
from grapy_cli.predict.augment import TTA, parse_logits
from grapy_cli.predict.photos import read_photo
from grapy_cli.predict.tiles import SMALLEST, TileLimit, blend_tiles, starts
from tests.support.command_line import ROOT
from tests.support.networks import tiny_network


def test_tiles_cover_a_photo_and_share_a_quarter():
    assert starts(100, 129, 16) == [0]
    assert starts(257, 129, 16) == [0, 64, 128]
    for blocks in range(9, 200):
        found = starts(16 * blocks + 1, 129, 16)
        assert found[0] == 0
        assert found[-1] + 129 == 16 * blocks + 1
        steps = np.diff(found)
        assert (steps > 0).all()
        assert (steps <= 96).all()
        assert all(start % 16 == 0 for start in found)


def test_a_network_that_sees_single_pixels_sees_no_tiles():
    """What depends on no neighbours is the same in tiles, wherever they begin and end."""
    photo = np.random.default_rng(0).integers(0, 256, (241, 305, 3), np.uint8)

    def logits_of(tile):
        return {"own": torch.from_numpy(tile[::4, ::4].transpose(2, 0, 1).astype(np.float32))}

    whole = logits_of(photo)["own"]
    for side in (65, 97, 129, 1000):
        blended = blend_tiles(photo, side, 16, logits_of)["own"]
        torch.testing.assert_close(blended, whole, rtol=1e-5, atol=1e-3)


def test_weights_of_a_tile_fall_towards_its_edges():
    """Of two tiles that contradict each other, each prevails where the other ends."""
    photo = np.zeros((65, 113, 3), np.uint8)
    answers = iter((0.0, 1.0))

    def logits_of(tile):
        return {"own": torch.full((1, 17, (tile.shape[1] - 1) // 4 + 1), next(answers))}

    row = blend_tiles(photo, 65, 16, logits_of)["own"][0, 8]
    assert (row.diff() >= 0).all()
    assert row[12] < 0.05
    assert row[16] > 0.95


def test_only_photos_above_the_limit_are_parsed_in_tiles():
    network = tiny_network(["pascal"])
    photo = np.random.default_rng(0).integers(0, 256, (97, 129, 3), np.uint8)
    seen = []
    hook = network.deeplab.register_forward_pre_hook(
        lambda module, given: seen.append(tuple(given[0].shape[2:]))
    )
    whole = parse_logits(network, photo, ["pascal"], TTA["none"], tile=129)["pascal"]
    assert seen == [(97, 129)]
    seen.clear()
    tiled = parse_logits(network, photo, ["pascal"], TTA["flip"], tile=65)["pascal"]
    hook.remove()
    assert set(seen) == {(65, 65)}
    assert whole.shape == (7, 97, 129)
    assert tiled.shape == (7, 25, 33)  # at every fourth pixel


def test_photos_of_any_size_and_all_augmentations_go_in_tiles():
    network = tiny_network(["pascal"])
    device = torch.device("cpu")
    for size, name in (((70, 131), "flip"), ((131, 1), "none"), ((66, 10), "paper")):
        parser = HumanParser(network, None, device, TTA[name], 0, TileLimit(64))
        parsing = parser.parse(np.full((*size, 3), 90, np.uint8))
        assert parsing.label_map.shape == size
        assert np.isfinite(parsing.confidence).all()


def test_tiles_agree_with_the_whole_photo():
    """The embedded weights on a photo enlarged to more than twice what they were made for."""
    photo = Image.fromarray(read_photo(ROOT / "examples/photos/grace_hopper.jpg"))
    enlarged = np.asarray(photo.resize((689, 801), Image.Resampling.BICUBIC))
    whole = HumanParser.load(device="cpu", longest_side=0).parse(enlarged, "atr").label_map
    tiled = HumanParser.load(device="cpu", longest_side=0, tile=513).parse(enlarged, "atr")
    away = np.ones(whole.shape, bool)
    for rows, columns in ((288, 0), (512, 0), (0, 176), (0, 512)):  # where tiles begin and end
        away[slice(rows - 16, rows + 16) if rows else slice(0)] = False
        away[:, slice(columns - 16, columns + 16) if columns else slice(0)] = False
    assert (tiled.label_map == whole)[away].mean() > 0.99
    assert len(np.unique(whole)) > 3


def test_the_limit_shrinks_for_good_and_says_so_once():
    heard = []
    limit = TileLimit(0, heard.append)
    assert limit.shrink(0, 1200) == 600
    assert limit.side == 600
    assert limit.shrink(600, 1200) == 300
    assert limit.shrink(300, 1200) == SMALLEST
    assert limit.shrink(SMALLEST, 1200) == 0
    assert limit.side == SMALLEST
    assert heard == ["memory is short: large photos are parsed in tiles of 600 pixels"]


@pytest.mark.parametrize("largest", [SMALLEST, 20])
def test_a_small_photo_has_no_smaller_tiles(largest):
    limit = TileLimit(2048)
    assert limit.shrink(2048, largest) == 0
    assert limit.side == 2048
