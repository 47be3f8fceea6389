import numpy as np
import pytest
import torch
from PIL import Image

import grapy_cli
from grapy_cli import HumanParser, label_set, load_network
from grapy_cli.errors import DatasetError, DeviceError, PhotoError, WeightsError
from grapy_cli.model.grapy import GrapyNet
from tests.support.networks import write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="module")
def parser(weights):
    return HumanParser.load(weights, device="cpu")


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (37, 50, 3), np.uint8)


def check_same(one, other):
    np.testing.assert_array_equal(one.label_map, other.label_map)
    np.testing.assert_array_equal(one.confidence, other.confidence)


def test_a_path_a_picture_and_an_array_are_one_photo(parser, photo, tmp_path):
    Image.fromarray(photo).save(tmp_path / "p.png")
    parsing = parser.parse(photo, "atr")
    assert parsing.label_map.shape == (37, 50)
    assert len(np.unique(parsing.label_map)) > 1
    assert parsing.label_set == label_set("atr")
    for same in (tmp_path / "p.png", str(tmp_path / "p.png"), Image.fromarray(photo)):
        check_same(parser.parse(same, dataset="atr"), parsing)


def test_a_turned_photo_has_an_upright_parsing(parser, photo, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(photo).copy()).save(tmp_path / "p.png", exif=exif)
    parsing = parser.parse(tmp_path / "p.png", "atr")
    check_same(parsing, parser.parse(photo, "atr"))
    parsing.save_mask(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.size == (50, 37)


def test_all_label_sets_cost_one_pass_of_backbone_and_decoder(parser, photo):
    passes = []
    hook = parser.network.deeplab.register_forward_hook(lambda *_: passes.append(1))
    parsings = parser.parse_all(photo, ["atr", "pascal"])
    hook.remove()
    assert passes == [1]
    assert list(parsings) == ["atr", "pascal"]
    for name, parsing in parsings.items():
        check_same(parsing, parser.parse(photo, name))


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (3, 5)])
def test_photos_of_any_size(parser, size):
    parsing = parser.parse(np.zeros((*size, 3), np.uint8), "pascal")
    assert parsing.label_map.shape == parsing.confidence.shape == size


def test_the_longest_side_is_the_card_s_unless_said(photo, tmp_path):
    weights = write_weights(tmp_path / "w", longest_side=32)
    by_card = HumanParser.load(weights, device="cpu")
    assert by_card.longest_side == 32
    assert max(by_card.parse(photo, "atr").logits.shape[1:]) in (32, 33)  # 33 lies on the grid
    own = HumanParser.load(weights, device="cpu", longest_side=0)
    assert own.parse(photo, "atr").logits.shape[1:] == (37, 50)


def test_the_label_set_may_be_left_out_where_there_is_one(photo, tmp_path):
    weights = write_weights(tmp_path / "w", ["pascal"])
    assert HumanParser.load(weights, device="cpu").parse(photo).label_set.name == "pascal"


@pytest.mark.parametrize("dataset", [None, "cihp"])
def test_a_label_set_must_be_one_of_the_weights(parser, photo, dataset):
    with pytest.raises(DatasetError, match="label set"):
        parser.parse(photo, dataset)


def test_errors_are_grapy_s(parser, tmp_path):
    with pytest.raises(PhotoError, match=r"none\.jpg"):
        parser.parse(tmp_path / "none.jpg", "atr")
    with pytest.raises(WeightsError):
        HumanParser.load(tmp_path / "none.safetensors")


class GreedyNet(GrapyNet):
    """Asks for more memory than there is, or makes another mistake."""

    def encode(self, images):
        if images.shape[-1] > 10:
            return torch.empty(1 << 50)
        raise RuntimeError("another mistake")


def test_too_little_memory_is_said(parser):
    greedy = GreedyNet(parser.network.numbers, list(parser.network.label_sets.values()))
    small = HumanParser(greedy, None, parser.device, parser.augmentation, None)
    with pytest.raises(DeviceError, match="cpu has not enough memory for a photo of 20x10"):
        small.parse(np.zeros((10, 20, 3), np.uint8), "atr")
    with pytest.raises(RuntimeError, match="another mistake"):
        small.parse(np.zeros((10, 10, 3), np.uint8), "atr")


def test_the_python_door(weights, photo):
    network, card = load_network(weights)
    assert not network.training
    assert card.name == "tiny"
    logits = network(torch.zeros(1, 3, 20, 30), dataset="atr")
    assert logits.refined.shape == logits.main.shape == (1, 18, 20, 30)
    parsing = HumanParser.load(weights).parse(photo, dataset="atr")
    assert parsing.label_map.dtype == np.uint8
    assert parsing.label_map_at(level=2).max() < 5
    assert parsing.confidence.dtype == np.float32
    assert 0 <= parsing.confidence.min() <= parsing.confidence.max() <= 1
    assert isinstance(parsing.overlay(), Image.Image)
    assert set(grapy_cli.__all__) == {"HumanParser", "__version__", "label_set", "load_network"}
    with pytest.raises(AttributeError):
        _ = grapy_cli.nonsense


def test_the_form_for_inference_is_taken_unless_said_and_parses_alike(weights, parser, photo):
    plain = HumanParser.load(weights, device="cpu", folded=False)
    assert any(isinstance(one, torch.nn.BatchNorm2d) for one in plain.network.modules())
    assert not any(isinstance(one, torch.nn.BatchNorm2d) for one in parser.network.modules())
    ours, theirs = parser.parse(photo, "atr"), plain.parse(photo, "atr")
    assert (ours.label_map == theirs.label_map).mean() > 0.999
    np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-3)


def test_bf16_is_asked_for_and_finds_much_the_same(weights, parser, photo):
    half = HumanParser.load(weights, device="cpu", precision="bf16")
    ours, theirs = half.parse(photo, "atr"), parser.parse(photo, "atr")
    assert ours.logits.dtype == torch.float32
    assert not torch.equal(ours.logits, theirs.logits)
    assert (ours.label_map == theirs.label_map).mean() > 0.9
