import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from grapy_cli.errors import WeightsError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model import weights
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers

NUMBERS = NetworkNumbers(
    "efficientnet_lite0", width=0.1, features=8, low_level=4, pyramid=PyramidNumbers(rounds=1)
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network(NUMBERS, [LABEL_SETS["pascal"], LABEL_SETS["atr"]]).eval()


@pytest.fixture
def saved(network, tmp_path):
    path = tmp_path / "weights.safetensors"
    weights.save_weights(path, network.state_dict(), card_for(network))
    return path


def card_for(network, **facts):
    return weights.card_of(network, name="tiny", grapy="1.2.3", stage="joint", **facts)


def rewrite(path, change, tensors=None):
    """Write a weights file again with another card."""
    card = json.loads(weights.read_card(path).model_dump_json())
    change(card)
    save_file(tensors or load_file(path), path, metadata={weights.CARD_KEY: json.dumps(card)})


def test_a_network_comes_back_as_it_was(network, saved):
    loaded, card = weights.load_weights(saved)
    assert not loaded.training
    assert loaded.numbers == network.numbers
    assert loaded.label_sets == network.label_sets
    assert (card.name, card.grapy, card.stage) == ("tiny", "1.2.3", "joint")
    images = torch.rand(1, 3, 32, 32)
    for dataset in ("pascal", "atr"):
        torch.testing.assert_close(
            loaded(images, dataset), network(images, dataset), rtol=0, atol=0
        )


def test_without_a_pyramid_it_comes_back_without_one(tmp_path):
    numbers = NetworkNumbers("efficientnet_lite0", width=0.1, features=8, low_level=4, pyramid=None)
    network = build_network(numbers, [])
    weights.save_weights(tmp_path / "w", network.state_dict(), card_for(network))
    loaded, _ = weights.load_weights(tmp_path / "w")
    assert loaded.numbers.pyramid is None
    assert loaded.label_sets == {}


def test_half_precision_halves_the_file_and_loads_as_single(network, saved, tmp_path):
    half = tmp_path / "half.safetensors"
    weights.save_weights(half, network.state_dict(), card_for(network), half=True)
    floats = sum(value.numel() for value in network.parameters())
    assert saved.stat().st_size - half.stat().st_size > 1.9 * floats
    loaded, _ = weights.load_weights(half)
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-6)


def test_convolution_networks_find_their_adjacency_again(tmp_path):
    numbers = NetworkNumbers(
        width=0.05, features=8, low_level=4, pyramid=PyramidNumbers(reasoning="convolution")
    )
    network = build_network(numbers, [LABEL_SETS["cihp"]]).eval()
    weights.save_weights(tmp_path / "w", network.state_dict(), card_for(network))
    loaded, _ = weights.load_weights(tmp_path / "w")
    images = torch.rand(1, 3, 17, 17)
    torch.testing.assert_close(loaded(images, "cihp"), network(images, "cihp"))


@pytest.mark.parametrize("read", [weights.read_card, weights.load_weights])
class TestUnusable:
    def refuse(self, read, path, *words):
        with pytest.raises(WeightsError) as caught:
            read(path)
        for word in (str(path), *words):
            assert word in caught.value.message

    def test_missing(self, read, tmp_path):
        self.refuse(read, tmp_path / "none.safetensors", "do not exist")

    @pytest.mark.parametrize("size", [0, 7, 100, 5000])
    def test_truncated(self, read, saved, size):
        saved.write_bytes(saved.read_bytes()[:size])
        self.refuse(read, saved, "is not a safetensors")

    def test_folder(self, read, tmp_path):
        self.refuse(read, tmp_path, "is not a safetensors")

    def test_a_checkpoint_of_torch(self, read, tmp_path):
        torch.save({"a": torch.zeros(1)}, tmp_path / "w.pth")
        self.refuse(read, tmp_path / "w.pth", "is not a safetensors")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"\n<!DOCTYPE html><html>Sign in", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS pointer"),
            (b"", "empty"),
        ],
    )
    def test_what_a_failed_download_left(self, read, tmp_path, content, words):
        (tmp_path / "w.safetensors").write_bytes(content)
        self.refuse(read, tmp_path / "w.safetensors", words)

    def test_foreign(self, read, tmp_path):
        save_file({"a": torch.zeros(1)}, tmp_path / "w", metadata={"format": "pt"})
        self.refuse(read, tmp_path / "w", "without grapy's card")

    def test_newer_card(self, read, saved):
        rewrite(saved, lambda card: card.update(format=weights.NEWEST_FORMAT + 1, unknown_yet=1))
        self.refuse(read, saved, "card format", str(weights.NEWEST_FORMAT + 1))

    @pytest.mark.parametrize(
        "change",
        [
            {"stage": None},
            {"surprise": 1},
            {"numbers": {"depth": 3}},
            {"numbers": {"pyramid": {"floors": 3}}},
        ],
    )
    def test_card_that_cannot_be_understood(self, read, saved, change):
        rewrite(saved, lambda card: card.update(change))
        self.refuse(read, saved, "card", "cannot be read")

    def test_card_that_is_no_json(self, read, saved):
        save_file(load_file(saved), saved, metadata={weights.CARD_KEY: "{"})
        self.refuse(read, saved, "card", "cannot be read")


def test_a_card_of_the_first_format_is_read(saved):
    new = ("protocol", "also_measured", "data", "training_photos", "recipe")

    def age(card):
        for field in new:
            del card[field]
        card["format"] = 1

    rewrite(saved, age)
    card = weights.read_card(saved)
    assert card.format == 1
    assert not any(getattr(card, field) for field in new)
    weights.load_weights(saved)


def test_weights_of_before_the_decoder_had_further_features_are_read(network, saved):
    """Those embedded before: their cards say nothing of `middle` and `rates`."""

    def change(card):
        del card["numbers"]["middle"], card["numbers"]["rates"]

    rewrite(saved, change)
    loaded, _ = weights.load_weights(saved)
    assert loaded.numbers == network.numbers


def test_a_decoder_with_further_features_comes_back(tmp_path):
    numbers = NetworkNumbers(
        "movenet_multipose", 32, 0.1, 8, 4, middle=(8, 16), rates=(1, 2, 4), pyramid=None
    )
    network = build_network(numbers, [LABEL_SETS["pascal"]]).eval()
    weights.save_weights(tmp_path / "w", network.state_dict(), card_for(network))
    loaded, _ = weights.load_weights(tmp_path / "w")
    assert loaded.numbers == numbers
    images = torch.rand(1, 3, 33, 65)
    torch.testing.assert_close(loaded(images, "pascal").main, network(images, "pascal").main)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"backbone": "xception65", "middle": [8]}, "no features at stride 8"),
        ({"rates": [1, 2, 10_000]}, "no network has more than 288"),
        ({"middle": [7]}, "cannot be read"),
    ],
)
def test_numbers_that_no_network_has_are_refused(saved, numbers, words):
    rewrite(saved, lambda card: card["numbers"].update(numbers))
    with pytest.raises(WeightsError, match=words):
        weights.load_weights(saved)


def test_a_label_set_that_changed_since_is_refused(saved):
    def swap(card):
        parts = card["label_sets"][0]["parts"]
        parts[3], parts[4] = parts[4], parts[3]

    rewrite(saved, swap)
    with pytest.raises(WeightsError, match=r"'tiny'.*'pascal'.*digest"):
        weights.load_weights(saved)


def test_a_label_set_of_another_color_is_not(saved):
    rewrite(saved, lambda card: card["label_sets"][0]["parts"][3].update(color=[1, 2, 3]))
    weights.load_weights(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors: tensors.pop("main_heads.atr.bias"), "main_heads.atr.bias is missing"),
        (lambda tensors: tensors.update(more=torch.zeros(1)), "more is unknown"),
        (
            lambda tensors: tensors.update({"main_heads.atr.bias": torch.zeros(5)}),
            r"main_heads.atr.bias is \(5,\) instead of \(18,\)",
        ),
    ],
)
def test_tensors_must_be_those_of_the_card(saved, change, words):
    tensors = load_file(saved)
    change(tensors)
    rewrite(saved, lambda card: None, tensors)
    with pytest.raises(WeightsError, match=words):
        weights.load_weights(saved)


def test_a_run_folder_means_its_best_weights(saved, tmp_path):
    for name in ("last", "best"):
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "weights.safetensors").touch()
    assert weights.resolve_weights(tmp_path / "run").parent.name == "best"
    assert weights.resolve_weights(saved) == saved


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="holds no weights"):
        weights.resolve_weights(tmp_path)
