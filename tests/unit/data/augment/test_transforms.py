"""Training samples are varied as the reference varies them, and photo and labels stay together."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.augment import transforms
from grapy_cli.data.dataset import sample_generator
from grapy_cli.data.sample import Sample
from grapy_cli.labels.cihp import CIHP
from tests.support import parity
from tests.support.tiny import tiny_label_map, tiny_photo


def tiny_sample(seed=0):
    label_map = tiny_label_map(CIHP, seed)
    return Sample(tiny_photo(CIHP, label_map), {"cihp": label_map}, "key")


def shown(sample):
    """The labels that the photo's colors show."""
    return tiny_photo(CIHP, sample.label_maps["cihp"])


@parity.needs_parity
@pytest.mark.parametrize("case", range(5))
def test_windows_are_the_references(case):
    """With its draws, nearly.

    Where a label lies exactly between two pixels, rounding goes one way there and the other here.
    """
    draws = json.loads((parity.FOLDER / "dev" / "transforms.json").read_text())[f"aug{case}"]
    arrays = parity.arrays_of("transforms")
    photo, label_map = arrays["image"], arrays["label"]
    width_factor, height_factor = (value for _, _, value in draws["uniform"])
    scaled = int(photo.shape[0] * height_factor), int(photo.shape[1] * width_factor)
    offsets = iter(value for _, _, value in draws["randint"])
    left, top = (next(offsets) if full > 96 else 0 for full in (scaled[1], scaled[0]))
    step = transforms.RandomWindow((96, 96), padding_label=0)
    ours = step.cut(Sample(photo, {"cihp": label_map}, ""), scaled, (top, left))
    assert (ours.label_maps["cihp"] == arrays[f"aug{case}_label"]).mean() > 0.998
    difference = abs(ours.photo.astype(int) - arrays[f"aug{case}_image"])
    assert difference.max() <= 1


@pytest.mark.parametrize("factors", [(0.5, 0.5), (0.73, 1.9), (1, 1), (1.75, 1.75), (2, 0.6)])
def test_photos_are_resized_to_pillows_pixels(factors):
    soft = np.random.default_rng(0).integers(0, 256, (12, 9, 3), np.uint8)
    photo = cv2.resize(soft, (113, 151), interpolation=cv2.INTER_CUBIC)
    height, width = (int(side * by) for side, by in zip(photo.shape, factors, strict=False))
    theirs = Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR)
    difference = abs(transforms.resize_photo(photo, height, width).astype(int) - theirs)
    assert difference.max() <= 1
    assert (difference == 1).mean() < 0.05


def test_a_window_of_a_large_photo_is_what_its_whole_would_give(monkeypatch):
    soft = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    photo = cv2.resize(soft, (300, 300), interpolation=cv2.INTER_CUBIC)
    sample = Sample(photo, {"cihp": photo[:, :, 0]}, "")
    step = transforms.RandomWindow((64, 48))
    alone = step.cut(sample, (450, 210), (200, 100))
    monkeypatch.setattr(transforms, "WHOLE", 1000)
    whole = step.cut(sample, (450, 210), (200, 100))
    difference = abs(alone.photo.astype(int) - whole.photo)
    assert difference.max() <= 2
    assert (difference <= 1).mean() > 0.999
    np.testing.assert_array_equal(alone.label_maps["cihp"], whole.label_maps["cihp"])


def test_draws_are_the_references_in_kind_and_order():
    """Width factor, height factor, left, top; the last two only where there is a choice."""

    class Recorder(np.random.Generator):
        def __init__(self):
            super().__init__(np.random.PCG64(0))
            self.calls = []

        def uniform(self, low, high):
            self.calls.append(("uniform", low, high))
            return (0.5, 2.0)[len(self.calls) % 2]

        def integers(self, low, high):
            self.calls.append(("integers", low, high))
            return low

    recorder = Recorder()
    transforms.RandomWindow((40, 40))(tiny_sample(), recorder)
    assert recorder.calls == [("uniform", 0.5, 2.0), ("uniform", 0.5, 2.0), ("integers", 0, 57)]


@pytest.mark.parametrize(("padding", "photo"), [(255, 0), (0, 0)])
def test_padding_lies_right_and_below(padding, photo):
    step = transforms.RandomWindow((100, 100), padding_label=padding)
    cut = step.cut(tiny_sample(), (32, 24), (0, 0))
    for beside in (np.s_[32:, :], np.s_[:, 24:]):
        assert (cut.label_maps["cihp"][beside] == padding).all()
        assert (cut.photo[beside] == photo).all()
    assert (cut.label_maps["cihp"][:32, :24] == tiny_sample().label_maps["cihp"][1::2, 1::2]).all()


@pytest.mark.parametrize("aspect", [False, True])
def test_one_factor_keeps_the_aspect(aspect):
    step = transforms.RandomWindow((200, 200), keep_aspect=aspect)
    alike = []
    for seed in range(5):
        label_map = step(tiny_sample(), np.random.default_rng(seed)).label_maps["cihp"]
        inside = (label_map != 255).any(1).sum(), (label_map != 255).any(0).sum()
        alike.append(abs(inside[0] / inside[1] - 64 / 48) < 0.1)
    assert all(alike) == aspect


def test_even_scales_halve_as_often_as_they_double():
    drawn = [
        transforms.RandomWindow((9, 9), (0.5, 2.0), even_scales=True)._factor(
            np.random.default_rng(seed)
        )
        for seed in range(400)
    ]
    assert 0.4 < np.mean(np.array(drawn) < 1) < 0.6
    assert 0.5 <= min(drawn) < max(drawn) <= 2


def test_mirroring_exchanges_left_and_right_parts():
    sample = tiny_sample()
    mirrored = transforms.RandomMirror({"cihp": CIHP.mirror_ids}).mirror(sample)
    before, after = sample.label_maps["cihp"][:, ::-1], mirrored.label_maps["cihp"]
    table = np.array([*CIHP.mirror_ids, *range(CIHP.num_parts, 256)])
    np.testing.assert_array_equal(after, table[before])
    np.testing.assert_array_equal(mirrored.photo, sample.photo[:, ::-1])
    assert CIHP.mirror_ids[14] == 15


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0), (1.0, 20)])
def test_how_many_are_mirrored(probability, share):
    step = transforms.RandomMirror({"cihp": CIHP.mirror_ids}, probability)
    sample = tiny_sample()
    mirrored = [step(sample, np.random.default_rng(seed)) is not sample for seed in range(20)]
    assert sum(mirrored) == share


def test_turning_leaves_only_labels_that_were_there_and_ignores_what_comes_in():
    sample = tiny_sample()
    sample.label_maps["cihp"][:] = 7
    turned = transforms.RandomRotation(180.0)(sample, np.random.default_rng(1))
    labels = turned.label_maps["cihp"]
    assert set(np.unique(labels)) == {7, 255}
    assert labels[32, 24] == 7
    assert labels[0, 0] == 255
    assert not turned.photo[0, 0].any()


def test_turning_turns_photo_and_labels_alike():
    sample = tiny_sample()
    turned = transforms.RandomRotation(20.0)(sample, np.random.default_rng(3))
    known = turned.label_maps["cihp"] != 255
    alike = (abs(shown(turned).astype(int) - turned.photo).max(2) < 8)[known]
    assert alike.mean() > 0.75  # the photo blends at the borders of blocks, labels do not


@pytest.mark.parametrize(
    "step", [transforms.RandomColor(1.0), transforms.RandomBlur(1.0)], ids=["color", "blur"]
)
def test_looks_change_and_labels_do_not(step):
    sample = tiny_sample()
    for seed in range(8):
        changed = step(sample, np.random.default_rng(seed))
        assert (changed.photo.shape, changed.photo.dtype) == (sample.photo.shape, np.uint8)
        assert (changed.photo != sample.photo).any()
        assert changed.label_maps is sample.label_maps


def test_no_strength_changes_no_color():
    sample = tiny_sample()
    changed = transforms.RandomColor(0.0)(sample, np.random.default_rng(0))
    np.testing.assert_array_equal(changed.photo, sample.photo)


@pytest.mark.parametrize("seed", range(5))
def test_colors_change_by_saturation_then_contrast_then_light(seed):
    photo = tiny_sample().photo
    draws = np.random.default_rng(seed)
    light, contrast, saturation = 2 ** draws.uniform(-1, 1, 3)
    tint = 1 + draws.uniform(-1, 1, 3) / 4
    saturation = 0 if draws.random() < 0.1 else saturation
    gray = photo @ [[0.299], [0.587], [0.114]]
    vivid = gray + (photo - gray) * saturation
    expected = ((vivid - gray.mean()) * contrast + gray.mean()) * light**0.5 * tint
    sample = Sample(photo, {}, "")
    ours = transforms.RandomColor(1.0)(sample, np.random.default_rng(seed)).photo
    assert abs(ours - expected.clip(0, 255)).max() <= 1


def test_steps_are_carried_out_in_order():
    told = []

    def step(name):
        return lambda sample, generator: told.append(name) or sample

    transforms.compose(step("a"), step("b"))(tiny_sample(), np.random.default_rng(0))
    assert told == ["a", "b"]


def test_every_sample_has_a_generator_of_its_own():
    places = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    again = [(*place, times) for place in places for times in (1, 2)]
    draws = {tuple(sample_generator(*where).random(3)) for where in places + again}
    assert len(draws) == 15
    assert sample_generator(3, 2, 1, 0).random() == sample_generator(3, 2, 1, 0).random()


def test_a_focused_window_shows_small_parts_as_often_as_large_ones():
    label_map = np.ones((100, 100), np.uint8)
    label_map[70:73, 20:23] = 2  # nine pixels of ten thousand
    sample = Sample(np.zeros((100, 100, 3), np.uint8), {"atr": label_map}, "k")

    def share(focus):
        window = transforms.RandomWindow((20, 20), (1.0, 1.0), focus=focus)
        cut = (window(sample, np.random.default_rng(seed)) for seed in range(300))
        return np.mean([(one.label_maps["atr"] == 2).any() for one in cut])

    assert share(0.0) < 0.15
    assert share(1.0) > 0.45


def test_a_focused_window_stays_inside_the_photo():
    sample = Sample(np.ones((30, 50, 3), np.uint8), {"atr": np.ones((30, 50), np.uint8)}, "k")
    window = transforms.RandomWindow((20, 20), (1.0, 1.5), focus=1.0)
    for seed in range(50):
        assert window(sample, np.random.default_rng(seed)).photo.all()


def test_a_photo_without_people_is_cut_anywhere():
    sample = Sample(np.ones((30, 50, 3), np.uint8), {"atr": np.zeros((30, 50), np.uint8)}, "k")
    window = transforms.RandomWindow((20, 20), focus=1.0)
    assert window(sample, np.random.default_rng(0)).photo.shape == (20, 20, 3)
