"""Networks in the format of the transformers library, made on the spot."""

import json
import pickle

import numpy as np
import pytest
import torch

from grapy_cli import HumanParser
from grapy_cli.errors import DatasetError, SettingsError, WeightsError
from grapy_cli.labels import LABEL_SETS
from grapy_cli.model.weights import read_card
from grapy_cli.runtime.device import kept_threads
from tests.support.published import library_mask, write_segformer, write_upernet

ATR = LABEL_SETS["atr"]
SIZES = [(1, 1), (3, 70), (5, 400), (37, 53), (48, 3), (64, 64), (120, 90), (129, 257), (222, 61),
         (300, 111)]  # fmt: skip


def photo_of(height, width):
    """Colored waves, so that parts change in many places."""
    y, x = np.mgrid[:height, :width] / 9
    waves = [np.sin(x + y), np.cos(2 * x - y), np.sin(x * y / 9)]
    return (127 * (1 + np.stack(waves, -1))).astype(np.uint8)


@pytest.fixture(scope="module")
def segformer(tmp_path_factory):
    return write_segformer(tmp_path_factory.mktemp("published") / "clothes")


@pytest.fixture(scope="module")
def upernet(tmp_path_factory):
    return write_upernet(tmp_path_factory.mktemp("published") / "upernet")


@pytest.mark.parametrize("name", ["segformer", "upernet"])
def test_masks_are_the_library_s_own_to_the_pixel(request, name):
    folder = request.getfixturevalue(name)
    parser = HumanParser.load(folder, device="cpu")
    seen = set()
    for size in SIZES:
        photo = photo_of(*size)
        expected = library_mask(folder, photo)
        np.testing.assert_array_equal(parser.parse(photo).label_map, expected, str(size))
        seen |= set(np.unique(expected))
    assert len(seen) > 5  # otherwise this shows little


def test_the_library_s_numbers_are_honored(tmp_path):
    folder = write_segformer(
        tmp_path / "odd",
        size={"height": 96, "width": 40},
        image_mean=[0.1, 0.2, 0.3],
        image_std=[0.5, 0.4, 0.3],
        rescale_factor=1 / 127,
        resample=3,
    )
    photo = photo_of(70, 90)
    parser = HumanParser.load(folder, device="cpu")
    assert parser.size_of(parser.read(photo)) == (96, 40)
    np.testing.assert_array_equal(parser.parse(photo).label_map, library_mask(folder, photo))


def test_probabilities_and_confidence_are_of_the_same_parts(segformer):
    parsing = HumanParser.load(segformer, device="cpu").parse(photo_of(50, 80))
    probabilities = parsing.probabilities().astype(np.float32)
    chosen = np.take_along_axis(probabilities, parsing.label_map[None].astype(int), 0)[0]
    np.testing.assert_allclose(chosen, probabilities.max(0), atol=2e-3)
    np.testing.assert_allclose(probabilities.max(0), parsing.confidence, atol=2e-3)


@pytest.mark.parametrize("name", ["segformer", "upernet"])
def test_photos_side_by_side_get_the_masks_they_get_alone(request, name):
    photos = [photo_of(*size) for size in SIZES]
    with kept_threads():
        torch.set_num_threads(1)
        parser = HumanParser.load(request.getfixturevalue(name), device="cpu")
        alone = [parser.parse(photo).logits for photo in photos]
        torch.set_num_threads(4)
        results = list(parser.parse_many(photos, [parser.datasets[0]]))
    for result, logits in zip(results, alone, strict=True):
        assert torch.equal(result.parsings[parser.datasets[0]].logits, logits)


def test_flip_exchanges_left_and_right(segformer):
    photo = photo_of(40, 64)
    parser = HumanParser.load(segformer, device="cpu", tta="flip")
    own = parser.parse(photo).label_map
    mirrored = parser.parse(photo[:, ::-1].copy()).label_map
    swapped = np.asarray(ATR.mirror_ids, np.uint8)[mirrored[:, ::-1]]
    assert (own == swapped).mean() > 0.999


def test_photos_of_one_size_for_the_network_are_parsed_together(segformer):
    parser = HumanParser.load(segformer, device="cpu")
    readings = [parser.read(photo_of(*size)) for size in ((30, 40), (70, 20))]
    together = parser.parse_together(readings, ["atr"])
    for reading, parsings in zip(readings, together, strict=True):
        alone = parser.parse_all(reading, ["atr"])["atr"]
        np.testing.assert_array_equal(parsings["atr"].label_map, alone.label_map)


def test_another_label_set_gets_its_own_ids(segformer):
    parser = HumanParser.load(segformer, device="cpu")
    photo = photo_of(90, 90)
    own, theirs = (parser.parse(photo, name).label_map for name in ("atr", "cihp"))
    names = {name: LABEL_SETS[name].names for name in ("atr", "cihp")}
    pairs = {
        (names["atr"][a], names["cihp"][b]) for a, b in zip(own.flat, theirs.flat, strict=True)
    }
    counts = [(own == a).sum() for a in range(18)]
    common = names["atr"][int(np.argmax(counts[1:])) + 1]
    assert {"bag": "background", "belt": "pants"}.get(common, common) in {
        theirs for ours, theirs in pairs if ours == common
    }
    assert theirs.max() < 20
    with pytest.raises(DatasetError, match="pascal"):
        parser.parse(photo, "pascal")


def test_a_pickle_is_refused_and_not_opened(segformer, tmp_path):
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "config.json").write_text((segformer / "config.json").read_text())
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self):
            return trap.write_text, ("gotcha",)

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(WeightsError, match=r"no model\.safetensors, and pickles"):
        HumanParser.load(folder, device="cpu")
    assert not trap.exists()


def test_a_backbone_without_its_head_is_refused(segformer, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "headless"
    folder.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_text((segformer / name).read_text())
    tensors = load_file(segformer / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if "classifier" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match="lacks weights") as error:
        HumanParser.load(folder, device="cpu")
    assert "backbone" in error.value.hint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "bert"}, "not a network that transformers can parse with"),
        ({"id2label": {"0": "cat"}}, "names 1 labels"),
        ({"id2label": {"0": "background", "2": "hat"}}, "ids from 0"),
        ({"id2label": {"0": "wall", "1": "floor"}}, "not understood: the first label is 'wall'"),
        ({"id2label": {"0": "background", "1": "gizmo"}}, "not understood: gizmo"),
    ],
)
def test_what_cannot_be_used_says_why(segformer, tmp_path, change, says):
    folder = tmp_path / "odd"
    folder.mkdir()
    config = json.loads((segformer / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    for name in ("model.safetensors", "preprocessor_config.json"):
        (folder / name).write_bytes((segformer / name).read_bytes())
    with pytest.raises(WeightsError, match=says):
        HumanParser.load(folder, device="cpu")


def test_a_label_file_names_what_is_not_understood(tmp_path):
    folder = write_segformer(tmp_path / "odd", ["background", "gizmo", "left-hand"])
    labels = tmp_path / "mine.toml"
    rows = [("nothing", "background", 0), ("gizmo", "head", 9), ("hand", "arms", 99)]
    labels.write_text(
        'name = "mine"\n'
        + "".join(
            f'[[parts]]\nname = "{name}"\ncategory = "{group}"\ncolor = [{red}, 0, 0]\n'
            for name, group, red in rows
        )
    )
    parser = HumanParser.load(folder, device="cpu", labels=labels)
    assert parser.datasets == ("mine",)
    labels.write_text(labels.read_text().rpartition("[[parts]]")[0])
    with pytest.raises(DatasetError, match="has 2 parts"):
        HumanParser.load(folder, device="cpu", labels=labels)


def test_other_sizes_and_scales_are_refused(segformer):
    with pytest.raises(SettingsError, match="photos in one size"):
        HumanParser.load(segformer, device="cpu", longest_side=320)
    with pytest.raises(SettingsError, match="no other scales"):
        HumanParser.load(segformer, device="cpu", tta="paper")


def test_bf16_changes_few_pixels(segformer):
    photo = photo_of(64, 64)
    exact, rounded = (
        HumanParser.load(segformer, device="cpu", precision=precision).parse(photo).label_map
        for precision in ("fp32", "bf16")
    )
    assert (exact == rounded).mean() > 0.8


def test_the_card_says_what_the_network_is(segformer):
    card = read_card(segformer)
    assert (card.name, card.network) == ("clothes", "SegformerForSemanticSegmentation")
    assert card.load_label_sets() == [ATR]
    assert list(card.readable_label_sets()) == ["atr", "cihp", "lip"]
