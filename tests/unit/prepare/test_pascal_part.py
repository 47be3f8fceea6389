"""The original PASCAL-Part annotations, as MATLAB structs."""

import numpy as np
import pytest

from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.labels.pascal import PASCAL
from grapy_cli.prepare.pascal_part import MERGED, read_pascal_part
from grapy_cli.prepare.problems import BadSample
from tests.support import tiny

scipy = pytest.importorskip("scipy")


@pytest.fixture
def release(tmp_path):
    return tiny.write_pascal_part(tmp_path)


def test_parts_are_merged_to_the_seven(tmp_path, release, prepare):
    prepare("pascal", source=release)
    for seed in range(4):
        written = load_label_map(
            tmp_path / "data/pascal/labels/level3" / f"2008_{seed + 1:06d}.png"
        )
        expected = tiny.tiny_label_map(PASCAL, seed)
        np.testing.assert_array_equal(written, np.where(expected == 255, 0, expected))


def test_all_24_parts_of_a_person_have_a_place():
    names = [name for names in MERGED.values() for name in names]
    assert len(names) == len(set(names)) == 24
    assert set(MERGED) == set(PASCAL.names) - {"background"}


def test_photos_without_a_person_are_left_out_and_no_failure(tmp_path, release, prepare, problems):
    from scipy.io import savemat

    horse = np.empty((1, 1), [("class", object), ("mask", object), ("parts", object)])
    horse[0, 0] = ("horse", np.ones((64, 48), np.uint8), [])
    savemat(release / "Annotations_Part" / "2008_000001.mat", {"anno": {"objects": horse}})
    summary = prepare("pascal", source=release)
    assert summary.rejected == 0
    assert summary.datasets[0].photos == {"train": 2, "val": 1}
    assert problems("pascal") == [("note", "no-person", "train", "2008_000001")]


@pytest.mark.parametrize("content", [b"", b"no matrix" * 30])
def test_a_file_that_is_no_annotation_is_named(content):
    with pytest.raises(BadSample, match="not a PASCAL-Part annotation"):
        read_pascal_part(content)
