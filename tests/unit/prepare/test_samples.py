"""The samples of the real releases, as they lie in the wild; skipped where they are absent."""

from pathlib import Path

import numpy as np
import pytest

from grapy_cli.data.files import load_label_map, load_photo
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings
from grapy_cli.settings.settings import Settings

SAMPLES = Path(__file__).parents[3].parent / "shared" / "data" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the releases' samples are absent")


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    settings = Settings(
        data=DataSettings(root=tmp_path_factory.mktemp("data"), dataset=["cihp", "atr", "pascal"]),
        prepare=PrepareSettings(source=SAMPLES),
    )
    return run_prepare(settings, silence)


def test_nothing_is_rejected(summary):
    assert summary.rejected == 0
    assert {dataset.name: dataset.photos for dataset in summary.datasets} == {
        "cihp": {"train": 1, "val": 1},
        "atr": {"train": 1, "val": 1},
        "pascal": {"train": 2, "val": 1},
    }


def test_sizes_agree(summary):
    for dataset in summary.datasets:
        prepared = PreparedDataset.open(Path(dataset.folder))
        for split in prepared.splits:
            for key in prepared.keys(split):
                photo = load_photo(prepared.photo(key))
                for level in (1, 2, 3):
                    assert load_label_map(prepared.label_map(key, level)).shape == photo.shape[:2]


def test_grey_labels_are_copied_as_they_are(summary):
    prepared = PreparedDataset.open(Path(summary.datasets[0].folder))
    original = load_label_map(SAMPLES / "CIHP_4w" / "Category_ids" / "0000002.png")
    np.testing.assert_array_equal(load_label_map(prepared.label_map("0000002")), original)


def test_coloured_labels_become_the_seven_parts(summary):
    prepared = PreparedDataset.open(Path(summary.datasets[2].folder))
    keys = [*prepared.keys("train"), *prepared.keys("val")]
    found = {part for key in keys for part in np.unique(load_label_map(prepared.label_map(key)))}
    assert found == set(range(7))


def test_the_rider_sits_upright(summary):
    """The mean height of each part in a photo of a rider: a swap in the table would show."""
    prepared = PreparedDataset.open(Path(summary.datasets[2].folder))
    parts = load_label_map(prepared.label_map("2008_000008"))
    names = ("head", "torso", "upper-leg", "lower-leg")
    heights = [
        np.nonzero(parts == prepared.label_set.names.index(name))[0].mean() for name in names
    ]
    assert heights == sorted(heights)
