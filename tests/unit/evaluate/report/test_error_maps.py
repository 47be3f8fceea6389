import base64
import io

import numpy as np
import pytest
from PIL import Image

from grapy_cli.evaluate.records import Pictures
from grapy_cli.evaluate.report.error_maps import (
    CONFUSED,
    CUTOUT,
    EXCHANGED,
    FOUND,
    INVENTED,
    KINDS,
    MISSED,
    RIGHT,
    SIDE,
    UNSCORED,
    cutout,
    error_map,
    layers_of,
)
from grapy_cli.labels import ATR, IGNORE
from tests.support.evaluation import tiny_evaluation

LEFT, RIGHT_ARM = ATR.names.index("left-arm"), ATR.names.index("right-arm")
HAT = ATR.names.index("hat")


def decoded(address):
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def pictures(truth, label_map, photo=True):
    shape = (*truth.shape, 3)
    return Pictures(np.full(shape, 128, np.uint8) if photo else None, truth, label_map)


@pytest.mark.parametrize(
    ("truth", "parsed", "kind"),
    [
        (HAT, HAT, RIGHT),
        (0, 0, RIGHT),
        (HAT, LEFT, CONFUSED),
        (LEFT, RIGHT_ARM, EXCHANGED),
        (RIGHT_ARM, LEFT, EXCHANGED),
        (HAT, 0, MISSED),
        (0, HAT, INVENTED),
        (IGNORE, HAT, UNSCORED),
        (IGNORE, 0, UNSCORED),
    ],
)
def test_a_pixel_is_wrong_in_one_way(truth, parsed, kind):
    maps = (np.full((2, 3), value, np.uint8) for value in (truth, parsed))
    assert (error_map(*maps, ATR.mirror_ids) == kind).all()


def test_layers_have_the_shape_of_the_photo_and_no_side_longer_than_allowed():
    large = np.zeros((SIDE * 2, SIDE * 3), np.uint8)
    base, over = layers_of(pictures(large, large), ATR)
    assert [name for name, _ in (base, *over)] == ["photo", "truth", "parsing", "errors"]
    sizes = {decoded(address).size for _, address in (base, *over)}
    assert sizes == {(SIDE, round(SIDE * 2 / 3))}


def test_a_mask_has_the_colors_of_the_parts_and_lets_the_background_through():
    truth = np.array([[0, HAT, IGNORE]], np.uint8)
    _, over = layers_of(pictures(truth, truth % IGNORE), ATR)
    pixels = np.array(decoded(dict(over)["truth"]).convert("RGBA"))[0]
    assert pixels[0, 3] == 0
    assert tuple(pixels[1, :3]) == ATR.parts[HAT].color
    assert tuple(pixels[2]) == (255, 255, 255, 255)


def test_errors_have_the_colors_of_their_kinds():
    truth, parsed = np.array([[HAT, LEFT, 0, HAT]], np.uint8), np.array([[0, RIGHT_ARM, HAT, HAT]])
    _, over = layers_of(pictures(truth, parsed.astype(np.uint8)), ATR)
    pixels = np.array(decoded(dict(over)["errors"]).convert("RGBA"))[0]
    kinds = [KINDS[kind] for kind in (MISSED, EXCHANGED, INVENTED, RIGHT)]
    assert pixels.tolist() == [[*kind.color, kind.alpha] for kind in kinds]


def test_without_a_photo_the_layers_lie_on_a_surface_that_has_no_name():
    truth = np.zeros((4, 4), np.uint8)
    base, over = layers_of(pictures(truth, truth, photo=False), ATR)
    assert base[0] == ""
    assert decoded(base[1]).size == decoded(over[0][1]).size


def test_a_cutout_shows_the_part_and_little_else():
    truth = np.zeros((400, 300), np.uint8)
    truth[100:150, 100:140] = HAT
    label_map = np.zeros_like(truth)
    label_map[100:150, 120:160] = HAT
    picture = np.array(decoded(cutout(pictures(truth, label_map), HAT)).convert("RGB")).astype(int)
    assert max(picture.shape[:2]) == CUTOUT
    for color in (FOUND, KINDS[MISSED].color, KINDS[INVENTED].color):
        mixed = 128 + (np.array(color) - 128) * 0.65
        near = np.abs(picture - mixed).max(-1) < 25
        assert 0.02 < near.mean() < 0.5, color


def test_a_cutout_does_not_show_what_is_not_scored():
    truth = np.full((60, 60), IGNORE, np.uint8)
    seen = pictures(truth, np.full_like(truth, HAT))
    assert np.ptp(np.array(decoded(cutout(seen, HAT)).convert("L"))) < 5


def test_cutouts_at_the_border_and_of_parts_that_are_nowhere_can_be_drawn():
    truth = np.zeros((40, 30), np.uint8)
    truth[-1, -1] = truth[0, 0] = HAT
    for part in (HAT, LEFT):
        assert max(decoded(cutout(pictures(truth, truth), part)).size) == CUTOUT


def test_every_picture_of_an_evaluation_can_be_drawn():
    evaluation = tiny_evaluation(ATR)
    for seen in evaluation.pictures.values():
        assert len(layers_of(seen, ATR).over) == 3
