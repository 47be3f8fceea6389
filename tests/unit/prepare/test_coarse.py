"""Releases that bring label maps of levels 2 and 1 beside those of the parts, or instead."""

import csv

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.dataset import group_photos
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.data.sample import COARSE
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.labels.vocabulary import PERSON
from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings
from grapy_cli.settings.settings import Settings
from tests.support.label_files import labels_toml

PARTS = np.array([[0, 1, 255, 255], [255, 255, 255, 255]], np.uint8)  # head, and little else
GROUPS = np.array([[0, 1, 3, 255], [255, 255, 255, 0]], np.uint8)
HUMAN = np.array([[0, 1, 1, 1], [0, 255, 255, 255]], np.uint8)
EXPECTED = {
    3: [[0, 1, 255, 255], [0, 255, 255, 0]],
    2: [[0, 1, 3, 255], [0, 255, 255, 0]],
    1: [[0, 1, 1, 1], [0, 255, 255, 0]],
}
HALVES = labels_toml("halves", "head head")


@pytest.fixture
def release(tmp_path):
    """A data set of one training photo and one to score, in the layout of one's own."""
    (tmp_path / "halves.toml").write_text(HALVES)

    def write(**folders):
        for name, values in {"images": None, **folders}.items():
            folder = tmp_path / "src" / name
            folder.mkdir(parents=True)
            for key in "ab":
                if values is None:
                    Image.new("RGB", (4, 2), (9, 99, 200 if key == "a" else 0)).save(
                        folder / f"{key}.png"
                    )
                else:
                    Image.fromarray(values).save(folder / f"{key}.png")
        (tmp_path / "src" / "splits").mkdir()
        (tmp_path / "src" / "splits" / "train.txt").write_text("a\n")
        (tmp_path / "src" / "splits" / "val.txt").write_text("b\n")
        data = DataSettings(root=tmp_path / "data", dataset=[str(tmp_path / "halves.toml")])
        settings = Settings(data=data, prepare=PrepareSettings(source=tmp_path / "src"))
        run_prepare(settings, silence)
        return PreparedDataset.open(tmp_path / "data" / "halves")

    return write


def maps_of(dataset):
    return {level: load_label_map(dataset.label_map("a", level)).tolist() for level in (3, 2, 1)}


def test_each_level_keeps_what_the_finer_one_says_and_knows_more(release):
    dataset = release(labels=PARTS, groups=GROUPS, person=HUMAN)
    assert dataset.card.coarse
    assert maps_of(dataset) == EXPECTED


def test_person_masks_are_enough(release):
    dataset = release(person=HUMAN)
    unknown = [[0, 255, 255, 255], [0, 255, 255, 255]]
    assert maps_of(dataset) == {3: unknown, 2: unknown, 1: HUMAN.tolist()}


def test_samples_bring_the_coarse_map(release):
    dataset = release(labels=PARTS, groups=GROUPS, person=HUMAN)
    (group,) = group_photos([dataset], "train", join=False)
    sample = group.read(0)
    assert sample.datasets == ("halves",)
    assert sample.label_maps[COARSE].tolist() == [[0, 1, 3, PERSON], [0, 255, 255, 0]]


def test_without_coarse_maps_all_levels_come_from_the_parts(release):
    dataset = release(labels=PARTS)
    assert not dataset.card.coarse
    assert maps_of(dataset) == {level: PARTS.tolist() for level in (3, 2, 1)}
    (group,) = group_photos([dataset], "train", join=False)
    assert list(group.read(0).label_maps) == ["halves"]


def test_a_mask_that_contradicts_the_parts_is_told(release):
    dataset = release(labels=PARTS, person=1 - HUMAN % 2)
    with (dataset.folder / "problems.csv").open(newline="") as file:
        rows = [(row["problem"], row["key"]) for row in csv.DictReader(file)]
    assert ("coarse-differs", "a") in rows
    assert maps_of(dataset)[3][0][:2] == [0, 1]


def test_groups_have_five_ids(release):
    with pytest.raises(DatasetError, match=r"has id 5, but level 2 has 0 to 4"):
        release(labels=PARTS, groups=np.full((2, 4), 5, np.uint8))
