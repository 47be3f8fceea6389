"""The samples of the real releases, as they lie in the wild; skipped where they are absent."""

import runpy
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import load_photo
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


def test_gray_labels_are_copied_as_they_are(summary):
    prepared = PreparedDataset.open(Path(summary.datasets[0].folder))
    original = load_label_map(SAMPLES / "CIHP_4w" / "Category_ids" / "0000002.png")
    np.testing.assert_array_equal(load_label_map(prepared.label_map("0000002")), original)


def test_colored_labels_become_the_seven_parts(summary):
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


def test_the_head_of_the_rider_is_head(summary):
    """The color (128, 0, 0) is the head, whatever id the VOC palette would give it."""
    prepared = PreparedDataset.open(Path(summary.datasets[2].folder))
    parts = load_label_map(prepared.label_map("2008_000008"))
    with Image.open(SAMPLES / "pascal" / "SegmentationPart" / "2008_000008.png") as picture:
        colors = np.array(picture.convert("RGB")).astype(int)
    is_head = abs(colors - (128, 0, 0)).max(axis=-1) <= 2
    assert is_head.sum() > 100
    np.testing.assert_array_equal(parts == prepared.label_set.names.index("head"), is_head)


def test_the_mirror_defect_of_atr_is_in_the_report_with_its_pixels(summary):
    """The shorts are a skirt in one annotation and pants in the other."""
    prepared = PreparedDataset.open(Path(summary.datasets[1].folder))
    mirrored = prepared.card.audit["mirrored"]
    assert mirrored["differing_pixels"] == 12609
    assert mirrored["parts"]["skirt"] == {
        "mirroring_gives": 9381,
        "release_has": 0,
        "in_common": 0,
    }
    assert mirrored["parts"]["pants"]["release_has"] == 9415
    page = (prepared.folder / "report.html").read_text()
    assert "12,609 pixels" in page
    assert "skirt: 9381 pixels by mirroring, 0 there" in page


def test_the_mirrored_annotations_of_cihp_are_what_mirroring_gives(summary):
    mirrored = summary.datasets[0].audit["mirrored"]
    assert mirrored["compared"] == mirrored["alike"] == 2


CCP = SAMPLES.parent / "ccp"


@pytest.mark.skipif(not CCP.is_dir(), reason="the labeled street photos are absent")
@pytest.mark.parametrize("name", ["cihp", "atr", "pascal"])
def test_a_few_street_photos_in_the_three_layouts(tmp_path, name):
    """`arrange.py` writes three trees; here a few photos of each, and lists that name them."""
    root, photos, labels, lists = runpy.run_path(str(CCP / "arrange.py"))["TREES"][name]
    keys: list[str] = []
    with tarfile.open(CCP / "ccp_labelled.tar") as tar:
        for member in tar:
            folder, _, file = member.name.partition("/")
            key = Path(file).stem
            if folder == "photos" and len(keys) < 5:
                keys.append(key)
            if key in keys and folder in ("photos", name):
                path = tmp_path / root / (photos if folder == "photos" else labels) / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(tar.extractfile(member).read())
    (tmp_path / root / lists).mkdir()
    (tmp_path / root / lists / "train_id.txt").write_text("\n".join(keys[1:]))
    (tmp_path / root / lists / "val_id.txt").write_text(keys[0])
    settings = Settings(
        data=DataSettings(root=tmp_path / "data", dataset=[name]),
        prepare=PrepareSettings(source=tmp_path),
    )
    summary = run_prepare(settings, silence)
    assert summary.rejected == 0
    assert summary.datasets[0].photos == {"train": 4, "val": 1}
