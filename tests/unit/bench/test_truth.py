import numpy as np
import pytest

from grapy_cli.bench.truth import mean_iou
from grapy_cli.errors import DatasetError
from grapy_cli.image_io.label_maps import save_label_map
from grapy_cli.labels import LABEL_SETS

PASCAL = LABEL_SETS["pascal"]


def write(folder, name, rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    save_label_map(path, np.array(rows, np.uint8), PASCAL.palette())


def test_masks_are_scored_by_the_label_maps_there_are(tmp_path):
    write(tmp_path / "masks", "a/one.png", [[0, 0], [1, 1]])
    write(tmp_path / "masks", "two.png", [[3, 3]])
    write(tmp_path / "truth", "a/one.png", [[0, 1], [1, 255]])
    assert mean_iou(tmp_path / "masks", tmp_path / "truth", 7) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("rows", "words"), [([[0, 0, 0]], "another size"), ([[0, 9]], "does not fit")]
)
def test_label_maps_of_other_photos_are_refused(tmp_path, rows, words):
    write(tmp_path / "masks", "one.png", [[0, 0]])
    write(tmp_path / "truth", "one.png", rows)
    with pytest.raises(DatasetError, match=words):
        mean_iou(tmp_path / "masks", tmp_path / "truth", 7)


def test_no_label_map_at_all_is_an_error(tmp_path):
    write(tmp_path / "masks", "one.png", [[0, 0]])
    with pytest.raises(DatasetError, match="no label map"):
        mean_iou(tmp_path / "masks", tmp_path / "truth", 7)
