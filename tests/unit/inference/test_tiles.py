import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli import HumanParser
from grapy_cli.inference.tiles import SMALLEST, TileLimit, blend_tiles, starts
from grapy_cli.inference.tta import TTA, parse_logits
from tests.support.command_line import ROOT
from tests.support.networks import tiny_network


@pytest.mark.parametrize(("side", "most"), [(129, 48), (1025, 384), (2049, 1216)])
def test_tiles_cover_a_photo_and_overlap_by_what_they_do_not_know(side, most):
    assert starts(side - 16, side, 16) == starts(side, side, 16) == [0]
    for more in range(1, 200):
        length = side + 16 * more
        found = starts(length, side, 16)
        assert found[0] == 0
        assert found[-1] + side == length
        steps = np.diff(found)
        assert (steps > 0).all()
        assert (steps <= most).all()
        assert all(start % 16 == 0 for start in found)


def test_a_network_that_sees_single_pixels_sees_no_tiles():
    """What depends on no neighbors is the same in tiles, wherever they begin and end."""
    photo = np.random.default_rng(0).integers(0, 256, (241, 305, 3), np.uint8)

    def logits_of(tile):
        return {"own": torch.from_numpy(tile[::4, ::4].transpose(2, 0, 1).astype(np.float32))}

    whole = logits_of(photo)["own"]
    for side in (65, 97, 129, 1000):
        blended = blend_tiles(photo, side, 16, logits_of)["own"]
        torch.testing.assert_close(blended, whole, rtol=1e-5, atol=1e-3)


def test_towards_its_edges_a_tile_is_not_heard_but_at_the_photo_s_own():
    """Three tiles that contradict each other: each prevails in its middle, the outer to the end."""
    photo = np.zeros((129, 193, 3), np.uint8)
    answers = iter((0.0, 1.0, 2.0))

    def logits_of(tile):
        return {"own": torch.full((1, 33, 33), next(answers))}

    row = blend_tiles(photo, 129, 16, logits_of)["own"][0, 16]
    assert (row.diff() >= -1e-6).all()
    torch.testing.assert_close(row[:16], torch.zeros(16), atol=0.02, rtol=0)
    torch.testing.assert_close(row[-16:], torch.full((16,), 2.0), atol=0.02, rtol=0)
    assert row[24] == pytest.approx(1, abs=0.02)


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
    assert whole.shape == tiled.shape == (7, 25, 33)  # at every fourth pixel


def test_photos_of_any_size_and_all_augmentations_go_in_tiles():
    network = tiny_network(["pascal"])
    device = torch.device("cpu")
    for size, name in (((70, 131), "flip"), ((131, 1), "none"), ((66, 10), "paper")):
        parser = HumanParser(network, None, device, TTA[name], 0, TileLimit(64))
        parsing = parser.parse(np.full((*size, 3), 90, np.uint8))
        assert parsing.label_map.shape == size
        assert np.isfinite(parsing.confidence).all()


def test_tiles_agree_with_the_whole_photo():
    """The embedded weights on a photo of eight people, each as large as they were made for."""
    person = Image.open(ROOT / "examples/photos/astronaut.png").convert("RGB").resize((337, 337))
    crowd = Image.new("RGB", (1345, 673))
    for index in range(8):
        crowd.paste(person, (336 * (index % 4), 336 * (index // 4)))
    photo = np.asarray(crowd)
    whole = HumanParser.load(device="cpu", longest_side=0).parse(photo, "atr").label_map
    tiled = HumanParser.load(device="cpu", longest_side=0, tile=1025).parse(photo, "atr").label_map
    away = np.ones(1345, bool)
    for edge in (320, 1025):
        away[edge - 32 : edge + 32] = False
    whole, tiled = whole[:, away], tiled[:, away]
    assert (whole == tiled).mean() > 0.99
    somebody = (whole > 0) | (tiled > 0)
    assert 0.1 < somebody.mean() < 0.8  # there is something to agree on
    assert (whole == tiled)[somebody].mean() > 0.95


def test_the_limit_shrinks_for_good_and_says_so_once():
    heard = []
    limit = TileLimit(0, heard.append)
    assert limit.shrink(0, 2400) == 1200
    assert limit.side == 1200
    assert limit.shrink(1200, 2400) == 600
    assert limit.shrink(600, 2400) == SMALLEST
    assert limit.shrink(SMALLEST, 2400) == 0
    assert limit.side == SMALLEST
    assert heard == ["memory is short: large photos are parsed in tiles of 1200 pixels"]


@pytest.mark.parametrize("largest", [SMALLEST, 20])
def test_a_small_photo_has_no_smaller_tiles(largest):
    limit = TileLimit(2048)
    assert limit.shrink(2048, largest) == 0
    assert limit.side == 2048
