import numpy as np
import pytest
import torch
from PIL import Image

from grapy_cli import HumanParser
from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.outputs.consistency import (
    disagreement,
    disagreement_share,
    write_disagreement,
)
from grapy_cli.predict.outputs.remap import Layer, View
from tests.support.networks import write_weights

ATR, PASCAL, CIHP = (LABEL_SETS[name] for name in ("atr", "pascal", "cihp"))


def parsing_of(logits, labels):
    return Parsing.of(np.zeros((*logits.shape[1:], 3), np.uint8), logits, labels)


def sure(labels, *parts):
    """The parsing of a photo one pixel high whose pixels certainly show these parts."""
    logits = torch.full((labels.num_parts, 1, len(parts)), -50.0)
    for column, part in enumerate(parts):
        logits[labels.names.index(part), 0, column] = 50.0
    return parsing_of(logits, labels)


def test_disagreement_is_where_two_stories_cannot_be_true_together():
    parsings = [
        sure(ATR, "pants", "pants", "background", "background"),
        sure(PASCAL, "upper-leg", "head", "background", "torso"),
    ]
    np.testing.assert_allclose(disagreement(parsings), [[0, 1, 0, 1]], atol=1e-6)
    # Two points contradict, the last one at the edge, where it stands for half a cell; of those
    # that agree the first, also at an edge, is the person's.
    assert disagreement_share(parsings) == pytest.approx(1.5 / 2)


def test_three_stories_are_compared_pair_by_pair():
    parsings = [sure(ATR, "hat"), sure(PASCAL, "head"), sure(CIHP, "left-shoe")]
    np.testing.assert_allclose(disagreement(parsings), [[2 / 3]], atol=1e-6)


def test_a_large_photo_is_compared_in_strips():
    torch.manual_seed(0)
    logits = [torch.randn(18, 300, 5), torch.randn(7, 300, 5)]
    whole = disagreement([parsing_of(*one) for one in zip(logits, (ATR, PASCAL), strict=True)])
    lower = [one[:, 256:] for one in logits]
    part = disagreement([parsing_of(*one) for one in zip(lower, (ATR, PASCAL), strict=True)])
    assert whole.shape == (300, 5)
    np.testing.assert_allclose(whole[256:], part, atol=1e-6)


def test_the_map_of_disagreement_is_gray_and_of_the_photos_size(tmp_path):
    weights = write_weights(tmp_path / "w.safetensors", ["atr", "pascal"])
    parser = HumanParser.load(weights, device="cpu")
    photo = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    parsings = parser.parse_all(photo, parser.datasets)
    first = parsings["atr"]
    view = View(ATR.lift(3), ATR.nodes(3))
    write_disagreement(Layer(first, view, parsings), tmp_path / "d.png")
    with Image.open(tmp_path / "d.png") as picture:
        assert (picture.mode, picture.size) == ("L", (30, 40))
        assert np.asarray(picture).std() > 0
    assert 0 < disagreement_share(list(parsings.values())) < 1
    assert 0 < first.doubt < 1
