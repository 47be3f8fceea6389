import numpy as np
import pytest
from PIL import Image

from grapy_cli.bench.input_photos import SIZES, collect_photos
from grapy_cli.errors import SettingsError
from grapy_cli.image_io.photos import read_size


def test_photos_keep_their_size_and_place_unless_another_is_asked_for(tmp_path):
    photo = tmp_path / "a.png"
    Image.fromarray(np.zeros((20, 40, 3), np.uint8)).save(photo)
    (found,) = collect_photos([str(photo)], None, tmp_path / "scratch")
    assert found.source == photo


@pytest.mark.parametrize("size", ["448px", "2mp"])
def test_resized_photos_have_that_many_pixels_and_their_own_shape(tmp_path, size):
    for name, shape in (("a.png", (20, 40, 3)), ("a.jpg", (40, 20, 3))):
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / name)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    sizes = {read_size(photo.source) for photo in collect_photos([str(tmp_path)], size, scratch)}
    assert len(sizes) == 2
    for height, width in sizes:
        assert height * width == pytest.approx(np.prod(SIZES[size]), rel=0.01)
        assert max(height, width) / min(height, width) == pytest.approx(2, rel=0.01)


def test_a_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match="nowhere"):
        collect_photos([str(tmp_path / "nowhere")], "2mp", tmp_path)
