"""Thumbnails, gallery, contact sheet, and what is made at the end of a run."""

import re
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import SettingsError
from grapy_cli.image_io import contact_sheet
from grapy_cli.labels import LABEL_SETS
from grapy_cli.predict.outputs import gallery, sheet
from grapy_cli.predict.outputs.finalize import finish, spare_names
from grapy_cli.predict.outputs.gallery import write_gallery
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.ranking import doubt_of, first_to_look_at
from tests.support.galleries import MAPS, write_run
from tests.support.parsings import PASCAL, parsing_of


def sources(page: Path) -> list[str]:
    return re.findall(r'class="photo" .*?title="([^"]*)"', page.read_text())


def test_thumbnails_leave_the_other_results_where_they_are():
    [mask, *small] = plan_kinds([PASCAL], [3, 3], ["mask"], thumbnails=True)
    assert mask.folder == ""
    assert [kind.folder for kind in small] == [".gallery/photo", ".gallery/pascal"]


def test_thumbnails_of_a_large_photo_are_small_and_alike(tmp_path):
    label_map = np.zeros((1200, 700), np.uint8)
    label_map[:600] = 2
    [_, photo, mask] = plan_kinds([PASCAL], [3], ["mask"], thumbnails=True)
    for kind in (photo, mask):
        kind.write({"pascal": parsing_of(label_map)}, tmp_path, PurePosixPath("a"))
    with Image.open(tmp_path / ".gallery/photo/a.jpg") as small:
        assert small.size == (327, 560)
    with Image.open(tmp_path / ".gallery/pascal/a.png") as small:
        assert small.size == (327, 560)
        assert np.unique(np.asarray(small)).tolist() == [0, 2]
        alpha = np.asarray(small.convert("RGBA"))[..., 3]
    assert set(alpha[:270].ravel()) == {255}
    assert set(alpha[290:].ravel()) == {0}


def test_a_gallery_needs_no_other_file(tmp_path):
    kinds, rows = write_run(tmp_path)
    [page] = write_gallery(tmp_path, kinds, rows, [])
    text = page.read_text()
    assert page == tmp_path / "gallery.html"
    addresses = re.findall(r'(?:src|href)="([^"]{0,40})', text)
    assert len(addresses) == 2 + 3 * len(MAPS)  # those of the large view, and of each photo
    assert all(address.startswith("data:image/") for address in addresses)
    assert not re.search(r"https?://", text)
    assert "most doubtful first" not in text
    assert write_gallery(tmp_path, kinds, rows, [])[0].read_text() == text


def test_those_to_look_at_first_stand_first(tmp_path):
    kinds, rows = write_run(tmp_path)
    for row, doubt in zip(rows, (0.1, 0.2, 0.9), strict=True):
        row["doubt"] = doubt
    [page] = write_gallery(tmp_path, kinds, rows, [])
    assert sources(page) == ["nobody.jpg", "trip/head.jpg", "trip/both.jpg"]
    assert "most doubtful first" in page.read_text()


def test_without_a_doubt_the_least_certain_are_looked_at_first():
    rows = [{"confidence": {"a": sure, "b": 1.0}} for sure in (0.9, 0.5, 0.7)]
    assert [doubt_of(row) for row in rows] == pytest.approx([0.05, 0.25, 0.15])
    assert first_to_look_at(iter(rows), 2) == [rows[1], rows[2]]


def test_many_photos_are_several_pages_and_later_ones_of_before_go_away(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "PER_PAGE", 1)
    kinds, rows = write_run(tmp_path)
    failures = [{"source": "bad.jpg", "reason": "broken"}]
    pages = write_gallery(tmp_path, kinds, rows, failures)
    assert [page.name for page in pages] == ["gallery.html", "gallery-2.html", "gallery-3.html"]
    assert sorted(source for page in pages for source in sources(page)) == sorted(MAPS)
    assert 'href="gallery-3.html"' in pages[0].read_text()
    assert ["broken" in page.read_text() for page in pages] == [False, False, True]
    monkeypatch.setattr(gallery, "MOST", 2)
    assert len(write_gallery(tmp_path, kinds, rows, [])) == 2
    assert "Only the 2 photos most worth a look are shown" in pages[0].read_text()
    assert not pages[2].exists()


def test_names_cannot_be_markup(tmp_path):
    kinds, rows = write_run(tmp_path)
    bad = '"><script>alert(1)</script>'
    rows[0]["source"] = bad
    [page] = write_gallery(tmp_path, kinds, rows, [{"source": bad, "reason": bad}])
    text = page.read_text()
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_a_name_that_is_no_text_can_be_shown(tmp_path):
    kinds, rows = write_run(tmp_path)
    rows[0]["source"] = "\udcff.jpg"
    [page] = write_gallery(tmp_path, kinds, rows, [])
    assert r"\xff.jpg" in page.read_text()


def test_a_name_with_a_character_that_is_spelled_out_is_shown_whole(tmp_path):
    kinds, rows = write_run(tmp_path)
    rows[0]["source"] = "trip/be\x1bfore.jpg"
    [page] = write_gallery(tmp_path, kinds, rows, [])
    assert r'class="name">be\x1bfore.jpg<' in page.read_text()


def test_a_photo_whose_thumbnails_are_gone_is_left_out(tmp_path):
    kinds, rows = write_run(tmp_path)
    (tmp_path / ".gallery/photo/nobody.jpg").unlink()
    [page] = write_gallery(tmp_path, kinds, rows, [])
    assert "nobody.jpg" not in sources(page)
    assert len(sources(page)) == 2


def test_a_gallery_of_nothing(tmp_path):
    kinds, _ = write_run(tmp_path)
    [page] = write_gallery(tmp_path, kinds, [], [])
    assert sources(page) == []


def test_a_contact_sheet_shows_the_parts(tmp_path):
    kinds, rows = write_run(tmp_path)
    path = sheet.write_sheet(tmp_path, kinds, rows)
    with Image.open(path) as picture:
        assert picture.width == 2 * (contact_sheet.SIDE + contact_sheet.GAP) + contact_sheet.GAP
        colors = {color for _, color in picture.getcolors(1 << 24)}
    assert len(colors) > 10
    sheet.write_sheet(tmp_path, kinds, [])


def test_the_end_of_a_run_makes_what_was_asked_for(tmp_path):
    kinds, rows = write_run(tmp_path, ["mask", "polygons"])
    made = finish(tmp_path, kinds, rows, [], gallery=True, sheet=True)
    assert [path.relative_to(tmp_path).as_posix() for path in made] == [
        "polygons-pascal/coco.json",
        "polygons-atr/coco.json",
        "gallery.html",
        "contact-sheet.png",
    ]
    assert all(path.exists() for path in made)
    plain = [kind for kind in kinds if kind.save == "mask"]
    assert finish(tmp_path, plain, rows, []) == []


def test_no_photo_is_called_like_the_contact_sheet():
    kinds = plan_kinds([LABEL_SETS["atr"]], [3], ["mask"], thumbnails=True)
    spare_names([PurePosixPath("deep/contact-sheet")], kinds, Path("o"))
    with pytest.raises(SettingsError, match="contact-sheet"):
        spare_names([PurePosixPath("Contact-Sheet.jpg")], kinds, Path("o"))
    spare_names([PurePosixPath("contact-sheet")], kinds[:1], Path("o"))
