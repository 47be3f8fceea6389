"""A photo has the same pixels in every command, in whatever form it is stored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.augment.backgrounds import find_backgrounds
from grapy_cli.data.dataset import Group
from grapy_cli.data.layout import DatasetWriter
from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.image_io.photos import load_photo, read_photo, read_shrunk, read_size
from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.sources import find_photos
from grapy_cli.prepare.check import check_photo
from grapy_cli.prepare.folder_files import index_photos
from grapy_cli.prepare.problems import BadSample
from grapy_cli.train.self_training.unlabeled_photos import find_photos as find_unlabeled
from tests.support.odd_photos import (
    HEIGHT,
    WIDTH,
    framed_scene_of,
    hidden_photos,
    odd_photos,
    scene_of,
)

ODD = [(odd, scene_of(odd)) for odd in odd_photos()]
ODD += [(odd, framed_scene_of(odd)) for odd in hidden_photos()]
NAMES = [odd.name for odd, _ in ODD]


@pytest.fixture(params=ODD, ids=NAMES)
def stored(request, tmp_path):
    """A file, what it shows, and how far off its format may be."""
    odd, scene = request.param
    odd.write(tmp_path / odd.name)
    return tmp_path / odd.name, scene, odd.tolerance


def trained_on(path: Path) -> np.ndarray:
    """The photo as training reads it, out of a prepared data set."""
    writer = DatasetWriter(path.parent / "pascal", LABEL_SETS["pascal"])
    writer.add_photo("key", path, path.suffix)
    writer.add_label_map("key", np.zeros((HEIGHT, WIDTH), np.uint8))
    prepared = writer.finish(
        {"train": ["key"]}, extensions=[path.suffix], problems=[], source="", version=""
    )
    return Group({"pascal": prepared}, ("key",)).read(0).photo


def test_it_shows_the_scene(stored):
    path, scene, tolerance = stored
    photo = read_photo(path)
    assert photo.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(photo.astype(int) - scene.astype(int)).max() <= tolerance


def test_all_commands_read_the_same_pixels(stored):
    path, _, _ = stored
    photo = read_photo(path)
    np.testing.assert_array_equal(read_photo(path.read_bytes()), photo)  # serve, archives
    np.testing.assert_array_equal(read_shrunk(path, 10_000).pixels, photo)  # predict, export
    np.testing.assert_array_equal(load_photo(path), photo)  # backgrounds, occluders
    np.testing.assert_array_equal(trained_on(path), photo)  # training, copy-paste
    assert check_photo(path.read_bytes())[:2] == photo.shape[:2]  # prepare
    assert sorted(read_size(path)) == sorted(photo.shape[:2])  # serve, bench


def test_all_commands_find_it(stored):
    path, _, _ = stored
    name, folder = path.name, path.parent
    assert [one.relative.name for one in find_photos([str(folder)], leave_out=Path("x"))] == [name]
    assert [one.place.name for one in find_unlabeled([folder])] == [name]
    assert find_backgrounds(folder) == [path]
    assert list(index_photos(folder).names.values()) == [name]


def test_all_commands_refuse_a_truncated_photo(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    path = tmp_path / "p.jpg"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for read, error in ((read_photo, PhotoError), (load_photo, DatasetError)):
        with pytest.raises(error, match="cannot be read"):
            read(path)
    with pytest.raises(BadSample, match="cannot be read"):
        check_photo(path.read_bytes())


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("12 in 16.tif", ("brightness is scaled from the range 0 to 4095",)),
        ("color 12 in 16.png", ("brightness is scaled from the range 0 to 4095",)),
        ("8 in 32.tif", ("brightness is scaled from the range 0 to 255",)),
        ("thumbnail first.tif", ("page 2 of 3 is read: it is the largest",)),
        ("16 bits.png", ()),
        ("pages.tif", ()),
        ("plain.jpg", ()),
    ],
)
def test_a_choice_is_told(tmp_path, name, notes):
    [odd] = [odd for odd in odd_photos() if odd.name == name]
    odd.write(tmp_path / name)
    assert read_shrunk(tmp_path / name).notes == notes
