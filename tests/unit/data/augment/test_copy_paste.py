"""People and things put into a sample."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.augment.copy_paste import RandomCopyPaste, RandomOccluder
from grapy_cli.data.dataset import Group
from grapy_cli.data.sample import Sample
from grapy_cli.errors import SettingsError
from tests.support.training import prepare_tiny, train

GRAY, RED = (128, 128, 128), (255, 0, 0)


class OneRedPerson(Group):
    """A group whose only photo shows a red person, 20 x 10 pixels, in the middle of gray."""

    datasets = ("atr", "pascal")
    keys = ("red",)

    def __init__(self):
        """Need no files."""

    def read(self, index):
        del index
        photo = np.full((40, 40, 3), GRAY, np.uint8)
        maps = {name: np.zeros((40, 40), np.uint8) for name in self.datasets}
        photo[10:30, 15:25] = RED
        maps["atr"][10:30, 15:25] = 4
        maps["pascal"][10:30, 15:25] = 2
        return Sample(photo, maps, "red")


def empty_sample(size=(60, 80)):
    maps = {name: np.zeros(size, np.uint8) for name in OneRedPerson.datasets}
    return Sample(np.full((*size, 3), GRAY, np.uint8), maps, "empty")


def with_copy_paste(sample, seed, **changes):
    copy_paste = RandomCopyPaste([OneRedPerson()], **{"probability": 1.0} | changes)
    return copy_paste(sample, np.random.default_rng(seed))


def inside(shape):
    """A shape without its edge, which is soft."""
    return cv2.erode(shape.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0


def shows(photo, color):
    """Pixels nearly of a color."""
    return (abs(photo.astype(int) - color) < 20).all(-1)


@pytest.mark.parametrize("seed", range(8))
def test_newcomers_stand_in_photo_and_all_label_maps_alike(seed):
    sample = with_copy_paste(empty_sample(), seed)
    atr, pascal = sample.label_maps["atr"], sample.label_maps["pascal"]
    assert set(np.unique(atr)) <= {0, 4}
    np.testing.assert_array_equal(atr == 4, pascal == 2)
    assert shows(sample.photo, RED)[inside(atr == 4)].all()
    assert shows(sample.photo, GRAY)[inside(atr == 0)].all()


def test_most_newcomers_are_seen():
    seen = [with_copy_paste(empty_sample(), seed).people.any() for seed in range(50)]
    assert np.mean(seen) > 0.8


def test_those_who_were_there_keep_their_labels_unless_somebody_stands_before_them():
    sample = empty_sample()
    sample.label_maps["atr"][:, 30:50] = 6
    sample.label_maps["pascal"][:, 30:50] = 5
    for seed in range(20):
        after = with_copy_paste(sample, seed).label_maps["atr"]
        assert set(np.unique(after[:, 30:50])) <= {6, 4}


def test_any_end_of_a_person_larger_than_the_sample_may_be_seen():
    """In a photo five times as high as the sample, the person is 150 x 75 pixels."""
    ends = set()
    for seed in range(60):
        people = with_copy_paste(empty_sample(), seed, most=1, size=(5.0, 5.0)).people
        ends |= {
            name
            for name, edge in zip(
                ("top", "bottom", "left", "right"),
                (people[0], people[-1], people[:, 0], people[:, -1]),
                strict=True,
            )
            if people.any() and not edge.any()
        }
    assert ends == {"top", "bottom", "left", "right"}


def test_nobody_comes_where_none_is_asked_for():
    sample = empty_sample()
    assert with_copy_paste(sample, 0, probability=0.0) is sample


class OneBluePerson(OneRedPerson):
    """The like in another folder."""

    def read(self, index):
        sample = super().read(index)
        return replace(sample, photo=np.ascontiguousarray(sample.photo[..., ::-1]))


def test_newcomers_are_from_every_folder():
    copy_paste = RandomCopyPaste([OneRedPerson(), OneBluePerson()], 1.0, most=1)
    colors = set()
    for seed in range(12):
        photo = copy_paste(empty_sample(), np.random.default_rng(seed)).photo
        colors |= {color for color in (RED, RED[::-1]) if shows(photo, color).any()}
    assert colors == {RED, RED[::-1]}


def test_the_generator_alone_decides():
    one, two = (with_copy_paste(empty_sample(), 5) for _ in range(2))
    np.testing.assert_array_equal(one.photo, two.photo)


def test_what_is_in_the_way_is_background(tmp_path):
    Image.new("RGB", (50, 50), "blue").save(tmp_path / "cloth.png")
    sample = empty_sample()
    for label_map in sample.label_maps.values():
        label_map[:] = 1
    occluder = RandomOccluder([tmp_path / "cloth.png"], 1.0)
    hidden = 0
    for seed in range(10):
        after = occluder(sample, np.random.default_rng(seed))
        gone = after.label_maps["atr"] == 0
        np.testing.assert_array_equal(gone, after.label_maps["pascal"] == 0)
        assert shows(after.photo, (0, 0, 255))[inside(gone)].all()
        hidden += gone.mean()
    assert 0.01 < hidden / 10 < 0.3


def test_an_occluder_needs_something_to_be_cut_out_of(tmp_path):
    data = prepare_tiny(tmp_path / "data", "pascal")
    with pytest.raises(SettingsError, match="no photos to cut objects from"):
        train("train.augment.occlude=0.5", data__root=data, train__out=tmp_path / "run")


def test_a_run_with_everything_put_in_trains(tmp_path):
    data = prepare_tiny(tmp_path / "data", "pascal")
    Image.new("RGB", (50, 50), "blue").save(tmp_path / "cloth.png")
    train(
        f"train.augment.backgrounds={tmp_path}",
        "train.augment.occlude=1",
        "train.augment.copy_paste=1",
        "train.augment.focus=1",
        data__root=data,
        train__out=tmp_path / "run",
    )
    assert (tmp_path / "run" / "last" / "weights.safetensors").is_file()
