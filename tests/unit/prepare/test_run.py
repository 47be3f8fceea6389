import csv

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import load_photo
from grapy_cli.labels import LABEL_SETS, label_set
from grapy_cli.labels.template import EXAMPLE, label_file
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.reporting import Progressed, Told, silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings
from grapy_cli.settings.settings import Settings
from tests.support import tiny
from tests.support.label_files import labels_toml

WRITERS = {
    "cihp": tiny.write_cihp,
    "atr": tiny.write_atr,
    "pascal": tiny.write_pascal,
    "lip": tiny.write_lip,
}
OWN = labels_toml("halves", "upper torso", "lower legs")


def prepare(root, *names, source=None, report=silence):
    settings = Settings(
        data=DataSettings(root=root, dataset=list(names)), prepare=PrepareSettings(source=source)
    )
    return run_prepare(settings, report)


def problems_of(folder):
    with (folder / "problems.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_all_of_them_are_found_below_raw(tmp_path):
    for write in WRITERS.values():
        write(tmp_path / "raw")
    summary = prepare(tmp_path, *WRITERS)
    assert summary.rejected == 0
    without_test = [
        {split: count for split, count in dataset.photos.items() if split != "test"}
        for dataset in summary.datasets
    ]
    assert without_test == [{"train": 3, "val": 1}] * 4


@pytest.mark.parametrize("name", WRITERS)
def test_photo_and_labels_still_show_the_same(tmp_path, name):
    release = WRITERS[name](tmp_path)
    prepare(tmp_path / "data", name, source=release)
    prepared = PreparedDataset.open(tmp_path / "data" / name)
    labels = LABEL_SETS[name]
    for split in ("train", "val"):
        for key in prepared.keys(split):
            parts = load_label_map(prepared.label_map(key))
            assert 255 in parts
            shown = tiny.tiny_photo(labels, parts).astype(int)
            assert abs(load_photo(prepared.photo(key)) - shown).mean() < 4  # JPEG
            for level in (1, 2):
                lift = np.array([*labels.lift(level), *[255] * (256 - labels.num_parts)])
                coarse = load_label_map(prepared.label_map(key, level))
                np.testing.assert_array_equal(coarse, lift[parts])


def test_what_happens_is_told(tmp_path):
    release = tiny.write_cihp(tmp_path)
    events = []
    prepare(tmp_path / "data", "cihp", source=tmp_path, report=events.append)
    assert any(isinstance(event, Told) and str(release) in event.text for event in events)
    assert [event.done for event in events if isinstance(event, Progressed)] == [1, 2, 3, 4]
    assert isinstance(events[-1], DatasetPrepared)


def test_bad_samples_are_rejected_with_their_reasons(tmp_path):
    release = tiny.write_cihp(tmp_path, photos=8)
    photos, labels = release / "Images", release / "Category_ids"
    keys = sorted(path.stem for path in labels.iterdir())
    (photos / f"{keys[0]}.jpg").write_bytes((photos / f"{keys[0]}.jpg").read_bytes()[:-900])
    (labels / f"{keys[1]}.png").write_text("no picture")
    Image.new("L", (48, 63), 1).save(labels / f"{keys[2]}.png")
    Image.new("L", (48, 64), 77).save(labels / f"{keys[3]}.png")
    Image.new("L", (48, 64), 255).save(labels / f"{keys[4]}.png")
    events = []
    summary = prepare(tmp_path / "data", "cihp", source=release, report=events.append)
    assert summary.rejected == 4
    assert [event.key for event in events if isinstance(event, SampleRejected)] == keys[:4]
    rows = problems_of(tmp_path / "data" / "cihp")
    rows = [row for row in rows if not row["problem"].startswith("mirrored")]
    assert [row["severity"] for row in rows] == ["rejected"] * 4 + ["warning"]
    reasons = ["photo", "label map", "48 x 64 and 48 x 63", "ids 77 (3072 pixels)", "shows no part"]
    for row, part in zip(rows, reasons, strict=True):
        assert part in row["reason"]
    prepared = PreparedDataset.open(tmp_path / "data" / "cihp")
    assert prepared.keys("train") == tuple(keys[4:6])
    assert not prepared.label_map(keys[3]).exists()


def test_sizes_are_compared_upright(tmp_path):
    release = tiny.write_atr(tmp_path)
    path = release / "JPEGImages" / "2500_1.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as photo:
        photo.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    assert prepare(tmp_path / "data", "atr", source=release).rejected == 0
    prepared = PreparedDataset.open(tmp_path / "data" / "atr")
    assert load_photo(prepared.photo("2500_1")).shape[:2] == (64, 48)


def test_nothing_usable_leaves_no_data_set(tmp_path):
    release = tiny.write_atr(tmp_path)
    for path in (release / "SegmentationClassAug").iterdir():
        path.write_text("x")
    with pytest.raises(DatasetError, match="photos rejected: 4"):
        prepare(tmp_path / "data", "atr", source=release)
    assert not (tmp_path / "data" / "atr" / "dataset.json").exists()


def test_a_complete_data_set_is_left_alone_and_an_incomplete_one_is_finished(tmp_path):
    release = tiny.write_atr(tmp_path)
    first = prepare(tmp_path / "data", "atr", source=release)
    folder = tmp_path / "data" / "atr"
    label_map = folder / "labels" / "level3" / "2500_1.png"
    label_map.write_text("touched")
    events = []
    assert prepare(tmp_path / "data", "atr", source=release, report=events.append) == first
    assert label_map.read_text() == "touched"
    assert "already prepared" in events[0].text
    (folder / "dataset.json").unlink()
    assert prepare(tmp_path / "data", "atr", source=release) == first
    assert load_label_map(label_map).shape == (64, 48)


def test_a_label_file_describes_a_data_set_of_ones_own(tmp_path):
    labels = tmp_path / "halves.toml"
    labels.write_text(OWN)
    tiny.write_own(tmp_path / "data" / "raw" / "halves", label_set(str(labels)))
    prepare(tmp_path / "data", str(labels))
    prepared = PreparedDataset.open(tmp_path / "data" / "halves")
    assert prepared.label_set.names == ("background", "upper", "lower")
    assert prepared.keys("val") == ("photo 3",)
    labels.write_text(OWN.replace("upper", "above"))
    with pytest.raises(DatasetError, match="other parts"):
        prepare(tmp_path / "data", str(labels))


@pytest.mark.parametrize("name", ["raw", "a/b", "..", "synthetic"])
def test_a_label_file_cannot_take_every_name(tmp_path, name):
    labels = tmp_path / "own.toml"
    labels.write_text(OWN.replace("halves", name))
    with pytest.raises(DatasetError, match="name"):
        prepare(tmp_path / "data", str(labels))


def test_a_source_where_the_data_set_goes_is_not_written_over(tmp_path):
    labels = tmp_path / "halves.toml"
    labels.write_text(OWN)
    folder = tiny.write_own(tmp_path / "data" / "halves", label_set(str(labels)))
    with pytest.raises(DatasetError, match="is not prepared") as error:
        prepare(tmp_path / "data", str(labels))
    assert str(tmp_path / "data" / "raw" / "halves") in error.value.hint
    assert not (folder / "labels" / "level3").exists()


def test_no_data_set_is_a_question(tmp_path):
    with pytest.raises(SettingsError, match="name the data set"):
        prepare(tmp_path)


def test_a_disk_that_refuses_is_named(tmp_path):
    release = tiny.write_atr(tmp_path)
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(ValidationError, match="is a file, and a folder is needed"):
        prepare(tmp_path / "data", "atr", source=release)


def test_a_label_file_from_the_template_prepares_a_data_set(tmp_path):
    labels = tmp_path / "my-parts.toml"
    labels.write_text(label_file(EXAMPLE, name="my-parts"))
    tiny.write_own(tmp_path / "mine", EXAMPLE)
    prepare(tmp_path / "data", str(labels), source=tmp_path / "mine")
    prepared = PreparedDataset.open(tmp_path / "data" / "my-parts")
    assert prepared.label_set.parts == EXAMPLE.parts
    assert prepared.splits == {"train": 3, "val": 1}
