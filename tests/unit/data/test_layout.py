import csv
import json
import os

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.layout import DatasetWriter, PreparedDataset, Problem, find_prepared
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.labels import LABEL_SETS

CIHP = LABEL_SETS["cihp"]


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.webp"
    Image.new("RGB", (20, 2)).save(path)
    return path


@pytest.fixture
def label_map():
    return np.stack([np.arange(20), np.full(20, 255)]).astype(np.uint8)


@pytest.fixture
def prepared(tmp_path, photo, label_map):
    writer = DatasetWriter(tmp_path / "data" / "cihp", CIHP)
    writer.add_photo("a", photo, ".webp")
    writer.add_label_map("a", label_map)
    return writer.finish(
        {"train": ["a"], "val": []},
        extensions=[".webp"],
        problems=[Problem("rejected", "foreign-ids", "train", "b", "ids 40, 41")],
        source="/somewhere",
        version="1.2.3",
    )


def test_what_is_written_is_read(prepared, photo):
    opened = PreparedDataset.open(prepared.folder)
    assert opened == prepared
    assert opened.name == "cihp"
    assert opened.label_set == CIHP
    assert opened.splits == {"train": 1}
    assert opened.keys("train") == ("a",)
    assert opened.photo("a").read_bytes() == photo.read_bytes()
    assert find_prepared(prepared.folder.parent) == ["cihp"]


def test_the_coarse_levels_are_derived_and_ignore_stays(prepared, label_map):
    for level in (1, 2, 3):
        written = load_label_map(prepared.label_map("a", level))
        np.testing.assert_array_equal(written[0], CIHP.lift(level))
        assert (written[1] == 255).all()


def test_problems_are_a_table(prepared):
    with (prepared.folder / "problems.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {
            "severity": "rejected",
            "problem": "foreign-ids",
            "split": "train",
            "key": "b",
            "reason": "ids 40, 41",
        }
    ]


def test_a_photo_is_linked_and_linking_twice_is_fine(prepared, photo):
    assert prepared.photo("a").samefile(photo)
    DatasetWriter(prepared.folder, CIHP).add_photo("a", photo, ".webp")
    assert [path.name for path in (prepared.folder / "images").iterdir()] == ["a.webp"]


@pytest.mark.parametrize("links", [0, 1])
def test_without_hard_links_a_photo_is_linked_softly_or_copied(tmp_path, photo, monkeypatch, links):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    if not links:
        monkeypatch.setattr(os, "symlink", refuse)
    writer = DatasetWriter(tmp_path / "x", CIHP)
    writer.add_photo("a", photo, ".webp")
    written = tmp_path / "x" / "images" / "a.webp"
    assert written.is_symlink() == bool(links)
    assert written.read_bytes() == photo.read_bytes()


@pytest.mark.parametrize("link", ["hard", "soft", "copy"])
def test_the_kind_of_link_can_be_chosen(tmp_path, photo, link):
    DatasetWriter(tmp_path / "x", CIHP, link).add_photo("a", photo, ".webp")
    written = tmp_path / "x" / "images" / "a.webp"
    assert written.is_symlink() == (link == "soft")
    assert written.samefile(photo) == (link != "copy")
    assert written.read_bytes() == photo.read_bytes()


def test_bytes_out_of_an_archive_become_a_photo(tmp_path):
    DatasetWriter(tmp_path / "x", CIHP).add_photo("a", b"bytes", ".jpg")
    assert (tmp_path / "x" / "images" / "a.jpg").read_bytes() == b"bytes"


def test_a_folder_without_a_card_says_what_to_type(tmp_path):
    with pytest.raises(DatasetError, match="does not exist") as error:
        PreparedDataset.open(tmp_path / "atr")
    assert f"grapy prepare --dataset atr --data {tmp_path}" in error.value.hint
    with pytest.raises(DatasetError) as error:
        PreparedDataset.open(tmp_path / "mine")
    assert "--dataset mine.toml" in error.value.hint
    (tmp_path / "atr").mkdir()
    with pytest.raises(DatasetError, match="not complete"):
        PreparedDataset.open(tmp_path / "atr")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99"),
        ({"photos": "many"}, "cannot be read"),
        ({"photos": {"train": 1, "val": 3}}, r"lacks splits/val\.txt"),
        ({"unheard-of": 1}, "cannot be read"),
    ],
)
def test_a_damaged_card_is_refused(prepared, change, message):
    card = prepared.folder / "dataset.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(DatasetError, match=message) as error:
        PreparedDataset.open(prepared.folder)
    assert "Remove" in error.value.hint


def test_half_a_card_is_refused(prepared):
    card = prepared.folder / "dataset.json"
    card.write_text(card.read_text()[:100])
    with pytest.raises(DatasetError, match="cannot be read"):
        PreparedDataset.open(prepared.folder)


def test_other_parts_than_ours_are_refused(prepared):
    card = prepared.folder / "dataset.json"
    table = json.loads(card.read_text())
    del table["label_set"]["parts"][3]
    card.write_text(json.dumps(table))
    with pytest.raises(DatasetError, match="other cihp parts"):
        PreparedDataset.open(prepared.folder)


def test_a_split_without_photos_says_what_there_is(prepared):
    with pytest.raises(DatasetError, match="no val photos") as error:
        prepared.keys("val")
    assert "train (1)" in error.value.hint


def test_a_photo_that_is_gone_is_named(prepared):
    prepared.photo("a").unlink()
    with pytest.raises(DatasetError, match="'a'"):
        prepared.photo("a")
