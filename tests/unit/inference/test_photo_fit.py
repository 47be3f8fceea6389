"""Where photos come in the pictures of networks, and where they lie on grids of logits."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from grapy_cli.inference.frame import Frame, cropped, half_pixels
from grapy_cli.inference.parsing import Parsing
from grapy_cli.inference.photo_fit import Letterbox, Stretch
from grapy_cli.labels import LABEL_SETS

ATR = LABEL_SETS["atr"]


def logits_of(height, width):
    return torch.randn(18, height, width, generator=torch.Generator().manual_seed(height))


def parsing_of(logits, size, frame):
    return Parsing.of(np.zeros((*size, 3), np.uint8), logits, ATR, frame=frame)


@pytest.mark.parametrize("size", [(1, 1), (7, 50), (64, 64), (33, 9)])
@pytest.mark.parametrize("grid", [(1, 1), (2, 9), (16, 16), (40, 5)])
def test_half_pixels_are_those_of_the_library(size, grid):
    logits = logits_of(*grid)
    parsing = parsing_of(logits, size, half_pixels(size, grid))
    resized = F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]
    np.testing.assert_array_equal(parsing.label_map, resized.argmax(0).numpy())
    expected = resized.softmax(0).numpy()
    np.testing.assert_allclose(parsing.probabilities(), expected, atol=2e-3)
    np.testing.assert_allclose(parsing.confidence, expected.max(0), atol=1e-5)


def test_what_no_pixel_depends_on_is_cropped_and_changes_nothing():
    logits, frame = logits_of(30, 40), Frame(4.5, 10.25, 20.0, 31.75)
    smaller, moved = cropped(logits, frame)
    assert smaller.shape == (18, 17, 23)
    assert moved == Frame(0.5, 0.25, 16.0, 21.75)
    garbage = logits.clone()
    garbage[:, :4] = garbage[:, 21:] = garbage[:, :, :10] = garbage[:, :, 33:] = 1e6
    own, other = (parsing_of(one, (50, 60), frame) for one in (logits, garbage))
    np.testing.assert_array_equal(own.label_map, other.label_map)
    assert own.mean_confidence == other.mean_confidence
    assert own.logits.shape == (18, 17, 23)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (30, 80), (80, 30), (64, 64), (500, 20)])
def test_a_letterbox_keeps_the_shape_and_centers(size):
    fit = Letterbox(65, 65)
    picture = fit.picture(np.full((*size, 3), 255, np.uint8))
    assert picture.shape == (65, 65, 3)
    frame = fit.frame(size, (65, 65))
    assert frame.top + frame.bottom == pytest.approx(64)
    assert frame.left + frame.right == pytest.approx(64)
    if max(size) > 1:
        assert max(frame.bottom - frame.top, frame.right - frame.left) == pytest.approx(64)
        ratio = (frame.bottom - frame.top) * (size[1] - 1)
        assert ratio == pytest.approx((frame.right - frame.left) * (size[0] - 1))
    lit = np.argwhere(picture[..., 0] > 250)
    assert lit.min(0) == pytest.approx([frame.top, frame.left], abs=1)
    assert lit.max(0) == pytest.approx([frame.bottom, frame.right], abs=1)


def test_stretching_is_pillow_s():
    fit = Stretch(8, 12, "lanczos")
    photo = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    assert fit.picture(photo).shape == (8, 12, 3)
    assert fit.size((20, 30)) == (8, 12)
    assert fit.frame((20, 30), (2, 3)) == half_pixels((20, 30), (2, 3))
