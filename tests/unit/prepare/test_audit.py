"""Every defect, planted alone in a tiny release, and found by its name."""

import json

import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import DatasetError
from grapy_cli.prepare.problems import CHECKS
from grapy_cli.runtime.reporting import Told
from tests.support import tiny

FIRST, SECOND, LAST = "0000001", "0000008", "0000022"  # keys of the tiny CIHP; the last is val


def photo(release, key=FIRST):
    return release / "Images" / f"{key}.jpg"


def label(release, key=FIRST, folder="Category_ids"):
    return release / folder / f"{key}.png"


def cut(path):
    path.write_bytes(path.read_bytes()[:-60])


def paint(path, *, mode="L", size=(48, 64), color=1):
    Image.new(mode, size, color).save(path)


def turn(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as lying:
        lying.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)


def hide(path, value=1):
    """Make the pixels of a value transparent."""
    ids = np.array(Image.open(path))
    ids[:8, :8] = value
    picture = Image.fromarray(ids)
    picture.putalpha(Image.fromarray(np.where(ids == value, 0, 255).astype(np.uint8)))
    picture.save(path)


def convert(path, mode):
    with Image.open(path) as picture:
        picture.convert(mode).save(path)


def swap_a_block(path):
    ids = np.array(Image.open(path))
    ids[8:16, 8:16] = (ids[8:16, 8:16] + 1) % 20
    Image.fromarray(ids).save(path)


def copy(source, target):
    target.write_bytes(source.read_bytes())


def list_in_both(release):
    path = release / "lists" / "val_id.txt"
    path.write_text(f"{LAST}\n{FIRST}")


def rename(release, name="od\x1bd"):
    """Call a photo, its label maps and its line in the list by a name with an escape."""
    photo(release).rename(photo(release, name))
    for folder in ("Category_ids", "Category_rev_ids"):
        label(release, folder=folder).rename(label(release, name, folder=folder))
    listed = release / "lists" / "train_id.txt"
    listed.write_text(listed.read_text().replace(FIRST, name))


PLANTED = {
    "bad-name": rename,
    "missing-photo": lambda release: photo(release).unlink(),
    "missing-label": lambda release: label(release).unlink(),
    "unreadable-photo": lambda release: photo(release).write_text("no picture"),
    "truncated-photo": lambda release: cut(photo(release)),
    "unreadable-label": lambda release: label(release).write_text("no picture"),
    "truncated-label": lambda release: cut(label(release)),
    "size-differs": lambda release: paint(label(release), size=(48, 63)),
    "foreign-ids": lambda release: paint(label(release), color=77),
    "ids-from-1": lambda release: paint(label(release), color=20),
    "colors": lambda release: paint(label(release), mode="RGB", color=(1, 2, 3)),
    "transparent": lambda release: hide(label(release)),
    "clear-background": lambda release: hide(label(release), value=0),
    "ids-as-colors": lambda release: convert(label(release), "RGB"),
    "no-parts": lambda release: [
        paint(label(release), color=0),
        paint(label(release, folder="Category_rev_ids"), color=0),
    ],
    "duplicate-photo": lambda release: copy(photo(release), photo(release, SECOND)),
    "in-two-splits": lambda release: copy(photo(release), photo(release, LAST)),
    "mirrored-differs": lambda release: swap_a_block(label(release, folder="Category_rev_ids")),
    "mirrored-unreadable": lambda release: cut(label(release, folder="Category_rev_ids")),
    "exif-rotated": lambda release: turn(photo(release)),
    "surplus-photos": lambda release: copy(photo(release), photo(release, "more")),
    "surplus-labels": lambda release: copy(label(release), label(release, "more")),
    "unlisted": lambda release: [
        copy(photo(release), photo(release, "more")),
        copy(label(release), label(release, "more")),
    ],
}
# They need other layouts or label sets: see test_release, test_own_data, test_coarse and
# test_pascal_part.
ELSEWHERE = {
    "coarse-differs",
    "same-key",
    "no-person",
    "one-bit",
    "label-unturned",
    "label-turned-by-edges",
}
ELSEWHERE |= {"palette-order", "palette-contradicts", "palette-foreign"}


def test_every_check_is_planted():
    assert set(PLANTED) | ELSEWHERE == set(CHECKS)


@pytest.mark.parametrize("problem", PLANTED)
def test_a_planted_defect_is_found_by_its_name_and_nothing_else(
    tmp_path, prepare, problems, problem
):
    release = tiny.write_cihp(tmp_path)
    PLANTED[problem](release)
    summary = prepare("cihp", source=release)
    ((severity, name, _, _),) = problems("cihp")
    assert (severity, name) == (CHECKS[problem].severity, problem)
    assert summary.rejected == (severity == "rejected")
    audit = json.loads((tmp_path / "data" / "cihp" / "dataset.json").read_text())["audit"]
    assert audit["problems"] == {problem: 1}
    assert audit["samples"] == 4 - summary.rejected
    page = (tmp_path / "data" / "cihp" / "report.html").read_text()
    assert f"<td>{problem}</td>" in page


def test_a_photo_that_is_a_dead_link_is_unreadable(tmp_path, prepare, problems):
    release = tiny.write_cihp(tmp_path)
    photo(release).unlink()
    photo(release).symlink_to(tmp_path / "nowhere.jpg")
    prepare("cihp", source=release)
    assert problems("cihp") == [("rejected", "unreadable-photo", "train", FIRST)]


def test_a_key_in_two_lists_is_in_two_splits(tmp_path, prepare, problems):
    release = tiny.write_cihp(tmp_path)
    list_in_both(release)
    prepare("cihp", source=release)
    assert problems("cihp") == [("warning", "in-two-splits", "val", FIRST)]


@pytest.mark.parametrize("problem", PLANTED)
def test_strict_minds_all_but_notes(tmp_path, prepare, problems, problem):
    release = tiny.write_cihp(tmp_path)
    PLANTED[problem](release)
    folder = tmp_path / "data" / "cihp"
    if CHECKS[problem].severity == "note":
        prepare("cihp", source=release, strict=True)
        return
    with pytest.raises(DatasetError, match=f"1 problems: 1 {problem}"):
        prepare("cihp", source=release, strict=True)
    assert not (folder / "dataset.json").exists()
    assert len(problems("cihp")) == 1
    assert (folder / "report.html").exists()
    prepare("cihp", source=release)  # and without it the same folder is finished
    assert (folder / "dataset.json").exists()


def test_the_figures_count_parts_and_both_sides(tmp_path, prepare):
    release = tiny.write_cihp(tmp_path)
    prepare("cihp", source=release)
    audit = json.loads((tmp_path / "data" / "cihp" / "dataset.json").read_text())["audit"]
    maps = [np.array(Image.open(path)) for path in (release / "Category_ids").iterdir()]
    left, right = (sum(int((ids == part).sum()) for ids in maps) for part in (14, 15))
    assert audit["parts"]["left-arm"]["pixels"] == left
    assert audit["parts"]["left-arm"]["photos"] == sum(14 in ids for ids in maps)
    assert audit["balance"]["left-arm, right-arm"]["left_share"] == pytest.approx(
        left / (left + right), abs=1e-6
    )
    assert audit["ignored_pixels"] == 4 * 64
    assert audit["mirrored"]["alike"] == audit["mirrored"]["compared"] == 4
    rows = audit["mirrored"]["parts"].values()
    assert all(row["mirroring_gives"] == row["release_has"] == row["in_common"] for row in rows)


def test_differing_pixels_are_counted_by_part(tmp_path, prepare):
    release = tiny.write_cihp(tmp_path)
    swap_a_block(label(release, folder="Category_rev_ids"))
    prepare("cihp", source=release)
    mirrored = json.loads((tmp_path / "data/cihp/dataset.json").read_text())["audit"]["mirrored"]
    assert (mirrored["alike"], mirrored["differing_pixels"]) == (3, 64)
    lost = [row["mirroring_gives"] - row["in_common"] for row in mirrored["parts"].values()]
    gained = [row["release_has"] - row["in_common"] for row in mirrored["parts"].values()]
    assert sorted(lost)[-1] == sorted(gained)[-1] == sum(lost) == sum(gained) == 64


def test_other_numbers_than_published_are_told_and_no_failure(tmp_path, prepare):
    events = []
    prepare("cihp", source=tiny.write_cihp(tmp_path), report=events.append, strict=True)
    said = [event.text for event in events if isinstance(event, Told)]
    assert "cihp: train: 3 photos, the papers say 28,280" in said


def test_the_report_needs_no_other_file(tmp_path, prepare):
    prepare("cihp", source=tiny.write_cihp(tmp_path))
    page = (tmp_path / "data" / "cihp" / "report.html").read_text()
    assert "<svg" in page
    assert "left-shoe" in page
    assert 'src="data:image/jpeg;base64,' in page
    assert 'src="data:image/png;base64,' in page
    assert "http" not in page
