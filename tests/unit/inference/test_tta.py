import numpy as np
import pytest
import torch

from grapy_cli.inference.tta import TTA, Augmentation, base_size, parse_logits, scaled_photo
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.deeplab import resize
from grapy_cli.model.grapy import NetworkNumbers, build_network


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    numbers = NetworkNumbers(width=0.05, features=8, low_level=4)
    return build_network(numbers, list(LABEL_SETS.values())).eval()


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(0).integers(0, 256, (37, 50, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "longest_side", "expected"),
    [
        ((300, 200), None, (300, 200)),
        ((300, 200), 0, (300, 200)),
        ((300, 200), 150, (150, 100)),
        ((200, 300), 600, (400, 600)),
        ((1000, 1), 100, (100, 1)),
    ],
)
def test_base_size(size, longest_side, expected):
    assert base_size(*size, longest_side) == expected


def test_the_table_is_the_paper_s():
    assert TTA["none"] == Augmentation((1.0,), mirror=False)
    assert TTA["flip"] == Augmentation((1.0,), mirror=True)
    assert TTA["paper"] == Augmentation((1.0, 0.5, 0.75, 1.25, 1.5, 1.75), mirror=True)


def test_without_augmentation_it_is_the_network_alone(network, photo):
    images = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
    logits = parse_logits(network, photo, ["cihp", "pascal"], TTA["none"])
    assert list(logits) == ["cihp", "pascal"]
    with torch.inference_mode():
        for name, ours in logits.items():
            whole = resize(ours[None], *photo.shape[:2])
            torch.testing.assert_close(whole, network(images, name).final, rtol=1e-4, atol=1e-5)


def test_the_features_are_computed_once_for_all_label_sets(network, photo):
    calls = []
    hook = network.deeplab.register_forward_hook(lambda *_: calls.append(1))
    parse_logits(network, photo, list(LABEL_SETS), Augmentation((1.0, 0.5), mirror=True))
    hook.remove()
    assert len(calls) == 4  # two sizes, each with its mirror image, in turns of their own


def test_a_mirrored_photo_gives_mirrored_logits(network, photo):
    mirrored = np.ascontiguousarray(photo[:, ::-1])
    for name, labels in LABEL_SETS.items():
        there, back = (
            parse_logits(network, each, [name], TTA["flip"])[name] for each in (photo, mirrored)
        )
        swapped = back[list(labels.mirror_ids)].flip(-1)
        torch.testing.assert_close(swapped, there, rtol=1e-4, atol=1e-5)


def test_scales_are_resized_from_the_photo_and_meant(network, photo):
    both = parse_logits(network, photo, ["atr"], Augmentation((1.0, 0.5)))["atr"]
    own = parse_logits(network, photo, ["atr"], Augmentation())["atr"]
    small = parse_logits(network, scaled_photo(photo, (37, 50), 0.5), ["atr"], Augmentation())[
        "atr"
    ]
    assert small.shape[1:] == (5, 7)
    small = resize(small[None], 18, 25)
    expected = (resize(own[None], 37, 50)[0] + resize(small, 37, 50)[0]) / 2
    torch.testing.assert_close(both, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("tta", "size"), [("none", (5, 9)), ("flip", (5, 9)), ("paper", (20, 33))])
def test_logits_of_one_version_are_the_network_s_and_of_several_have_the_base_size(
    network, photo, tta, size
):
    logits = parse_logits(network, photo, ["pascal"], TTA[tta], size=(20, 33))["pascal"]
    assert logits.shape == (7, *size)
    assert logits.isfinite().all()


def test_networks_without_a_pyramid_are_parsed_by_their_main_head(photo):
    numbers = NetworkNumbers(width=0.05, features=8, low_level=4, pyramid=None)
    network = build_network(numbers, [LABEL_SETS["atr"]]).eval()
    assert parse_logits(network, photo, ["atr"], TTA["flip"])["atr"].shape == (18, 10, 13)


def test_a_network_of_other_precision_is_fed_its_own(photo):
    numbers = NetworkNumbers(width=0.05, features=8, low_level=4)
    network = build_network(numbers, [LABEL_SETS["atr"]]).double().eval()
    assert parse_logits(network, photo, ["atr"], TTA["none"])["atr"].dtype == torch.float64


def test_a_single_pixel_is_parsed(network):
    photo = np.zeros((1, 1, 3), np.uint8)
    assert parse_logits(network, photo, ["atr"], TTA["paper"])["atr"].shape == (18, 1, 1)
