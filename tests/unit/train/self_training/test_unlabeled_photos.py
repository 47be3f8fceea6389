"""Photos without label maps, where tags and person masks lie beside them."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.train.self_training.unlabeled_photos import find_photos, unknown_words


def write_photo(path, mode="RGB", size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 1).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two tagged photos, one of which has a mask, and one beside them of which nothing is known."""
    folder = tmp_path / "weak"
    write_photo(folder / "photos" / "1.jpg")
    write_photo(folder / "photos" / "2.PNG")
    write_photo(folder / "photos" / "other.webp")
    write_photo(folder / "photos" / ".hidden.jpg")
    write_photo(folder / "person" / "1.png", "L")
    (folder / "notes.txt").write_text("no photo")
    (folder / "tags.json").write_text(json.dumps({"1": ["Skirt", "boots "], "2": []}))
    return folder


def known_of(photos):
    return {one.key: (one.words, "person" in one.maps) for one in photos}


KNOWN = {"1": (("skirt", "boots"), True), "2": ((), False), "other": (None, False)}


def test_tags_and_masks_are_found_by_name(folder):
    found = find_photos([folder])
    assert known_of(found) == KNOWN
    np.testing.assert_array_equal(found[0].read_maps((4, 6))["person"], np.ones((4, 6)))
    write_photo(folder / "person" / "1.png", "1")  # of one bit: white is 1, a person
    np.testing.assert_array_equal(found[0].read_maps((4, 6))["person"], np.ones((4, 6)))
    assert found[1].read_maps((4, 6)) == {}


@pytest.mark.parametrize("kind", ["tar", "zip", "gztar"])
def test_an_archive_is_like_its_folder(folder, tmp_path, kind):
    archive = shutil.make_archive(str(tmp_path / "weak"), kind, folder)
    found = find_photos([tmp_path / archive])
    assert known_of(found) == KNOWN
    assert found[0].place.read_bytes() == (folder / "photos/1.jpg").read_bytes()
    np.testing.assert_array_equal(found[0].read_maps((4, 6))["person"], np.ones((4, 6)))


def test_what_lies_nearer_to_a_photo_wins(folder):
    write_photo(folder / "photos" / "more" / "1.jpg")
    (folder / "photos" / "more" / "tags.json").write_text('{"1": ["coat"]}')
    assert known_of(find_photos([folder]))["1-2"] == (("coat",), True)


def test_photos_of_one_name_get_keys_of_their_own(folder, tmp_path):
    write_photo(tmp_path / "b" / " 1 \n.jpg")
    keys = [one.key for one in find_photos([folder, tmp_path / "b"])]
    assert keys == ["1", "2", "other", "1-2"]


def test_unknown_words_are_counted_once_a_photo(folder):
    tags = {"1": ["skirt", "toga", "toga"], "2": ["toga", "fez"]}
    (folder / "tags.json").write_text(json.dumps(tags))
    assert unknown_words(find_photos([folder])) == {"toga": 2, "fez": 1}


@pytest.mark.parametrize("text", ["{", "[]", '{"1": "skirt"}', '{"1": [2]}'])
def test_tags_that_are_none(folder, text):
    (folder / "tags.json").write_text(text)
    with pytest.raises(DatasetError, match=r"tags\.json cannot be read as tags") as caught:
        find_photos([folder])
    assert '"skirt"' in caught.value.hint


def test_a_mask_of_another_size_and_a_broken_one(folder):
    photo = find_photos([folder])[0]
    with pytest.raises(PhotoError, match="6x4 and 5x5"):
        photo.read_maps((5, 5))
    (folder / "person/1.png").write_text("no picture")
    with pytest.raises(PhotoError, match="cannot be read"):
        photo.read_maps((4, 6))


@pytest.mark.parametrize("name", ["nowhere", "notes.txt"])
def test_a_source_that_is_none(folder, name):
    with pytest.raises(DatasetError, match="neither a folder nor an archive"):
        find_photos([folder / name])


def test_a_folder_without_photos(tmp_path):
    with pytest.raises(DatasetError, match="there is no photo in"):
        find_photos([tmp_path])


def test_label_maps_of_the_shipped_sets_are_found_and_are_no_photos(folder):
    write_photo(folder / "pascal" / "2.png", "L")
    write_photo(folder / "cihp" / "2.png", "L", size=(5, 4))
    first, second, _ = find_photos([folder])
    assert list(first.maps) == ["person"]
    assert list(second.maps) == ["cihp", "pascal"]
    with pytest.raises(PhotoError, match=r"cihp.2.png and its photo differ in size: 5x4 and 6x4"):
        second.read_maps((4, 6))
