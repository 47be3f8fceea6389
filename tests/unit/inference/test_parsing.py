import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli.inference import parsing as parsing_module
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize

ATR = LABEL_SETS["atr"]


def logits_of(height, width, seed=0):
    return 5 * torch.randn(ATR.num_parts, height, width, generator=torch.manual_seed(seed))


@pytest.fixture(scope="module")
def parsed():
    photo = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    return Parsing.of(photo, logits_of(15, 10), ATR)


@pytest.mark.parametrize(
    "size", [(15, 10), (30, 20), (7, 5), (1, 1), (1, 40), (40, 1), (1100, 3), (513, 9)]
)
@pytest.mark.parametrize("of", [(15, 10), (1, 1), (1, 10), (15, 1)])
def test_strips_are_the_whole(size, of):
    """Best part and probability of the logits resized at once."""
    logits = logits_of(*of)
    whole = resize(logits[None], *size)[0]
    parsing = Parsing.of(np.zeros((*size, 3), np.uint8), logits, ATR)
    label_map, confidence = parsing.label_map, torch.tensor(parsing.confidence)
    best = whole.max(0).values
    torch.testing.assert_close(confidence, whole.softmax(0).max(0).values)
    # Where two parts are level, rounding may decide either way.
    chosen = whole.gather(0, torch.tensor(label_map, dtype=torch.int64)[None])[0]
    torch.testing.assert_close(chosen, best)
    clear = best - whole.topk(2, 0).values[1] > 1e-3
    assert (torch.tensor(label_map)[clear] == whole.argmax(0)[clear]).all()


def test_confidence_is_a_probability():
    sure = torch.zeros(ATR.num_parts, 2, 2)
    sure[3] = 1e4
    photo = np.zeros((4, 4, 3), np.uint8)
    certain = Parsing.of(photo, sure, ATR)
    assert (certain.label_map == 3).all()
    assert (certain.confidence == 1).all()
    assert certain.mean_confidence == 1
    unsure = Parsing.of(photo, torch.zeros(ATR.num_parts, 2, 2), ATR)
    np.testing.assert_allclose(unsure.confidence, 1 / ATR.num_parts, rtol=1e-6)
    assert unsure.mean_confidence == pytest.approx(1 / ATR.num_parts)


def test_mean_confidence_weighs_the_grid_s_points_by_their_area():
    """One certain row of three: the middle one stands for half of the photo."""
    unsure = 1 / ATR.num_parts
    for row, share in ((0, 0.25), (1, 0.5), (2, 0.25)):
        logits = torch.zeros(ATR.num_parts, 3, 2)
        logits[3, row] = 1e4
        parsing = Parsing.of(np.zeros((9, 9, 3), np.uint8), logits, ATR)
        assert parsing.mean_confidence == pytest.approx(share + (1 - share) * unsure)


def test_confidence_is_computed_only_when_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(parsing_module, "_resized_strips", lambda *_: pytest.fail("computed"))
    parsing = Parsing.of(np.zeros((9, 9, 3), np.uint8), logits_of(3, 3), ATR)
    assert 0 <= parsing.doubt <= 1
    assert 0 < parsing.mean_confidence < 1
    monkeypatch.undo()
    assert parsing.confidence.shape == (9, 9)
    assert parsing.confidence is parsing.confidence


def test_probabilities_add_up_to_1_and_name_the_same_part(parsed):
    probabilities = parsed.probabilities()
    assert probabilities.shape == (ATR.num_parts, 30, 20)
    assert probabilities.dtype == np.float16
    np.testing.assert_allclose(probabilities.astype(float).sum(0), 1, atol=3e-3)
    np.testing.assert_allclose(probabilities.max(0), parsed.confidence, atol=1e-3)
    won = np.take_along_axis(probabilities, parsed.label_map[None], 0)[0]
    np.testing.assert_array_equal(won, probabilities.max(0))


@pytest.mark.parametrize("level", [3, 2, 1])
def test_coarse_maps_are_the_parts_lifted(parsed, level):
    lifted = parsed.label_map_at(level)
    assert lifted.dtype == np.uint8
    lift = ATR.lift(level)
    assert all(
        lift[part] == node for part, node in zip(parsed.label_map.flat, lifted.flat, strict=True)
    )


@pytest.mark.parametrize("level", [3, 2, 1])
def test_a_mask_is_an_indexed_png_of_ids_in_the_label_set_s_colors(parsed, tmp_path, level):
    parsed.save_mask(tmp_path / "mask.png", level)
    with Image.open(tmp_path / "mask.png") as mask:
        assert (mask.format, mask.mode, mask.size) == ("PNG", "P", (20, 30))
        np.testing.assert_array_equal(np.array(mask), parsed.label_map_at(level))
        np.testing.assert_array_equal(np.array(mask.convert("RGB")), np.array(parsed.color(level)))
        assert mask.getpalette() == ATR.palette(level)


def test_shares(parsed):
    assert sum(parsed.shares.values()) == pytest.approx(1, abs=1e-4)
    assert set(parsed.shares) == {ATR.names[part] for part in np.unique(parsed.label_map)}
    bag = ATR.names[int(parsed.label_map[0, 0])]
    expected = (parsed.label_map == parsed.label_map[0, 0]).mean()
    assert parsed.shares[bag] == pytest.approx(expected, abs=1e-6)
