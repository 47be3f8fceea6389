import io
import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

import grapy_cli
from grapy_cli import HumanParser, label_set, load_network
from grapy_cli.errors import DatasetError, DeviceError, PhotoError, SettingsError, WeightsError
from grapy_cli.inference.tiles import TileLimit
from grapy_cli.inference.tta import TTA
from grapy_cli.model.grapy import GrapyNet
from tests.support.command_line import run_python
from tests.support.networks import tiny_network, write_weights


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


def test_a_label_set_that_is_named_twice_counts_once(parser, photo):
    once = parser.parse(photo, "atr")
    [twice] = parser.parse_all(photo, ["atr", "atr"]).values()
    assert torch.equal(twice.logits, once.logits)
    for result in parser.parse_many([photo], ["atr", "atr"]):
        assert torch.equal(result.parsings["atr"].logits, once.logits)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (3, 5)])
def test_photos_of_any_size(parser, size):
    parsing = parser.parse(np.zeros((*size, 3), np.uint8), "pascal")
    assert parsing.label_map.shape == parsing.confidence.shape == size


def test_the_longest_side_is_the_card_s_unless_said(photo, tmp_path):
    weights = write_weights(tmp_path / "w", longest_side=32)
    by_card = HumanParser.load(weights, device="cpu")
    assert by_card.longest_side == 32
    assert max(by_card.parse(photo, "atr").logits.shape[1:]) in (8, 9)  # 33 pixels lie on the grid
    own = HumanParser.load(weights, device="cpu", longest_side=0)
    assert own.parse(photo, "atr").logits.shape[1:] == (10, 13)


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
    with pytest.raises(DeviceError, match="cpu does not have enough memory for a photo of 20x10"):
        small.parse(np.zeros((10, 20, 3), np.uint8), "atr")
    with pytest.raises(RuntimeError, match="another mistake"):
        small.parse(np.zeros((10, 10, 3), np.uint8), "atr")


def test_the_python_door(weights, photo):
    network, card = load_network(str(weights))
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


class ModestNet(GrapyNet):
    """Has memory for images of up to 600 pixels."""

    def encode(self, images):
        if max(images.shape[2:]) > 600:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().encode(images)


def test_where_memory_is_short_photos_are_parsed_in_tiles(parser):
    plain = tiny_network(["pascal"])
    modest = ModestNet(plain.numbers, list(plain.label_sets.values())).eval()
    modest.load_state_dict(plain.state_dict())
    heard = []
    ours = HumanParser(
        modest, None, parser.device, parser.augmentation, 0, TileLimit(0, heard.append)
    )
    random = np.random.default_rng(0)
    for _ in range(2):
        photo = random.integers(0, 256, (20, 1040, 3), np.uint8)
        assert ours.parse(photo, "pascal").label_map.shape == (20, 1040)
    assert len(heard) == 1
    assert ours.tiles.side == 520


def test_many_photos_come_out_in_order_and_the_unreadable_as_errors(parser, tmp_path):
    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (9 + side, 12, 3), np.uint8) for side in range(7)]
    mixed = [*photos[:3], tmp_path / "none.jpg", *photos[3:]]
    results = list(parser.parse_many(mixed, ["atr", "pascal"]))
    assert [result.photo is photo for result, photo in zip(results, mixed, strict=True)] == [
        True
    ] * 8
    broken = results.pop(3)
    assert broken.parsings is None
    assert isinstance(broken.error, PhotoError)
    assert "none.jpg" in broken.error.message
    for photo, result in zip(photos, results, strict=True):
        assert result.error is None
        assert list(result.parsings) == ["atr", "pascal"]
        check_same(result.parsings["atr"], parser.parse(photo, "atr"))


def test_a_batch_as_one_array_is_many_photos(parser, photo):
    batch = np.stack([photo, photo])
    assert [result.error for result in parser.parse_many(batch, ["atr"])] == [None, None]


def test_loading_checks_what_the_command_checks(weights):
    for name, value in (
        ("tta", "six"),
        ("longest_side", -1),
        ("tile", -1),
        ("max_side", -1),
    ):
        with pytest.raises(SettingsError, match=f"{name} must be .*{value}"):
            HumanParser.load(weights, **{name: value})


def test_a_parser_and_a_parsing_say_what_they_are_in_a_line(parser, photo):
    assert repr(parser) == "HumanParser(tiny, pascal+atr, fp32 on cpu)"
    parsing = parser.parse(photo, "atr")
    text = repr(parsing)
    assert text.startswith("Parsing(atr, 50x37 pixels: ")
    assert "\n" not in text
    largest = max(parsing.shares, key=parsing.shares.__getitem__)
    assert f"pixels: {largest} {parsing.shares[largest]:.1%}" in text


def test_a_notebook_shows_the_overlay(parser, photo):
    parsing = parser.parse(photo, "atr")
    with Image.open(io.BytesIO(parsing._repr_png_())) as shown:
        np.testing.assert_array_equal(shown, parsing.overlay())


def test_of_endless_photos_only_a_few_are_taken(parser):
    taken = []

    def photos():
        for side in itertools.count(5):
            taken.append(side)
            yield np.zeros((side, 5, 3), np.uint8)

    results = parser.parse_many(photos(), ["pascal"])
    sides = [
        result.parsings["pascal"].label_map.shape[0] for result in itertools.islice(results, 4)
    ]
    assert sides == [5, 6, 7, 8]
    assert len(taken) <= 8


def test_many_photos_need_a_known_label_set_before_the_first(parser):
    with pytest.raises(DatasetError, match="cihp"):
        parser.parse_many([], ["cihp"])


def test_threads_may_share_a_parser(parser):
    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (20 + side, 30, 3), np.uint8) for side in range(12)]
    alone = [parser.parse(photo, "atr") for photo in photos]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda photo: parser.parse(photo, "atr"), photos))
    for one, other in zip(alone, together, strict=True):
        check_same(one, other)


def test_a_photo_that_is_read_smaller_has_a_parsing_of_its_own_size(weights, photo, tmp_path):
    Image.fromarray(photo).resize((200, 148)).save(tmp_path / "p.png")
    parser = HumanParser.load(weights, device="cpu", max_side=50)
    parsing = parser.parse(tmp_path / "p.png", "atr")
    assert parsing.logits.shape[1:] == (10, 13)
    assert parsing.seen.shape == (37, 50, 3)
    assert parsing.label_map.shape == parsing.confidence.shape == (148, 200)
    assert parsing.photo.shape == (148, 200, 3)


@pytest.mark.parametrize(("tta", "read"), [("none", (100, 150)), ("paper", (200, 300))])
def test_a_reduced_jpeg_is_twice_what_the_network_takes_and_the_mask_as_the_photo(
    weights, tmp_path, tta, read
):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    path = tmp_path / "p.jpg"
    Image.fromarray(pixels).resize((1200, 800)).save(path, quality=95)
    whole = HumanParser.load(weights, device="cpu", longest_side=65, tta=tta)
    parser = HumanParser.load(weights, device="cpu", longest_side=65, tta=tta, reduced_jpeg=True)
    for photo in (path, path.read_bytes()):
        parsing = parser.parse(photo, "atr")
        assert parsing.seen.shape == (*read, 3)
        assert parsing.label_map.shape == (800, 1200)
        assert parsing.photo.shape == (800, 1200, 3)
        assert (parsing.label_map == whole.parse(photo, "atr").label_map).mean() > 0.95
    with Image.open(path) as picture:  # a caller's picture is never changed
        check_same(parser.parse(picture, "atr"), whole.parse(path, "atr"))
        assert picture.size == (1200, 800)


def test_a_photo_that_the_network_takes_at_its_own_size_is_not_reduced(weights, tmp_path):
    Image.new("RGB", (400, 300)).save(tmp_path / "p.jpg")
    parser = HumanParser.load(weights, device="cpu", longest_side=0, reduced_jpeg=True)
    assert parser.read(tmp_path / "p.jpg").pixels.shape == (300, 400, 3)


def test_a_turned_twin_has_the_same_masks(photo, tmp_path):
    """Also when both are read smaller than they are."""
    parser = HumanParser(
        tiny_network(["atr"]), None, torch.device("cpu"), TTA["none"], 48, max_side=30
    )
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(photo).save(tmp_path / "a.png")
    Image.fromarray(np.rot90(photo, -1).copy()).save(tmp_path / "b.png", exif=exif)
    masks = []
    for name in ("a", "b"):
        parser.parse(tmp_path / f"{name}.png").save_mask(tmp_path / f"{name}-mask.png")
        masks.append((tmp_path / f"{name}-mask.png").read_bytes())
    assert masks[0] == masks[1]


def test_the_library_needs_neither_typer_nor_rich(tmp_path):
    code = (
        "import sys; from grapy_cli import HumanParser; HumanParser.load(device='cpu');"
        "assert not {'typer', 'rich'} & set(sys.modules), 'loaded'"
    )
    ran = run_python("-c", code, folder=tmp_path)
    assert ran.returncode == 0, ran.stderr


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
