import io
import os
import sys
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image

from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.image_io.photos import read_photo
from grapy_cli.predict.sources import FoundPhoto, find_photos, name_masks
from tests.support.photos import png_that_claims


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """A folder of photos, where the test works; results are to go to `masks`."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.jpg", "a.png", "deep/er/c.JPG", ".hidden.jpg", ".cache/d.jpg", "masks/e.png"):
        touch(f"photos/{name}")
    (tmp_path / "photos" / "notes.txt").write_text("no photo")
    return tmp_path / "photos"


def touch(name):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (2, 2)).save(name, format="PNG")


def found(*sources, out="elsewhere"):
    return [str(photo.relative) for photo in find_photos(sources, leave_out=Path(out))]


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_folder_is_searched_through_and_hidden_files_are_not():
    assert found("photos") == ["a.png", "b.jpg", "deep/er/c.JPG", "masks/e.png"]


def test_results_of_an_earlier_run_are_no_photos():
    assert found("photos", out="photos/masks") == ["a.png", "b.jpg", "deep/er/c.JPG"]
    assert found("photos/*.png", "photos/*/*.png", "photos/b.jpg", out="photos/masks") == [
        "a.png",
        "b.jpg",
    ]


def test_results_may_go_to_a_folder_around_the_photos():
    assert len(found("photos", out=".")) == 4


def test_results_may_not_go_among_the_photos():
    with pytest.raises(SettingsError, match="is the folder with the photos"):
        found("photos", out="photos/../photos")


def test_links_that_go_round_in_circles_end(photos):
    (photos / "round").symlink_to(photos)
    (photos / "self.jpg").symlink_to(photos / "self.jpg")
    assert found("photos") == ["a.png", "b.jpg", "deep/er/c.JPG", "masks/e.png"]


def test_a_link_is_a_photo_of_its_own(photos):
    (photos / "z.jpg").symlink_to(photos / "b.jpg")
    assert "z.jpg" in found("photos")


def test_the_same_photo_is_parsed_once(photos):
    assert found("photos/b.jpg", "./photos/../photos/b.jpg", str(photos / "b.jpg")) == ["b.jpg"]
    assert found("photos/b.jpg", "photos") == ["b.jpg", "a.png", "deep/er/c.JPG", "masks/e.png"]


def test_the_order_is_the_one_they_were_named_in():
    assert found("photos/b.jpg", "photos/a.png") == ["b.jpg", "a.png"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("photos/*.jpg", ["b.jpg"]),
        ("photos/.*.jpg", [".hidden.jpg"]),
        ("photos/**/*.JPG", ["deep/er/c.JPG"]),
        ("pho*/?.*", ["photos/a.png", "photos/b.jpg"]),
        ("photos/deep/../*.jpg", ["b.jpg"]),
        ("photos/d*/../*.jpg", ["b.jpg"]),
    ],
)
def test_globs(pattern, names):
    assert found(pattern) == names


def test_brackets_are_wildcards_only_where_no_file_has_them():
    touch("[2023] trip/[1].jpg")
    assert found("[2023] trip/*.jpg") == found("[2023] trip/[1].jpg") == ["[1].jpg"]


@pytest.mark.parametrize("source", ["none.jpg", "none/", "photos/*.gif", "none/*.jpg", "@none.txt"])
def test_what_is_not_there_is_said(source):
    with pytest.raises(SettingsError, match=r"none|gif"):
        found("photos/a.png", source)


def test_a_folder_without_photos_is_said():
    Path("empty").mkdir()
    with pytest.raises(SettingsError, match="no photo found in empty"):
        found("empty")
    assert found("empty", "photos/a.png") == ["a.png"]


def test_a_list_holds_photos_and_folders():
    text = "\ufeffphotos/a.png\n\n  photos/deep \nnone.jpg\n"
    Path("list.txt").write_text(text, encoding="utf-8")
    # What is missing fails when it is read: one bad line does not stop the others.
    assert found("@list.txt") == ["a.png", "er/c.JPG", "none.jpg"]


@pytest.mark.parametrize(
    "text",
    [
        "# mine\nphotos/a.png\n#photos/b.jpg",
        "'photos/a.png'\n",
        '"photos/a.png"  \r\n',
        "photos\\a.png\r\n",
        "photos/a.png  # sharp",
        "path,label\nphotos/a.png,1",
        "photos/a.png labels/a.png",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_of_all_kinds(text, encoding):
    Path("list.txt").write_bytes(text.encode(encoding))
    assert found("@list.txt") == ["a.png"]


def test_a_photo_may_be_called_like_a_comment():
    touch("#1, a.png")
    Path("list.txt").write_text("#1, a.png\n# two")
    assert found("@list.txt") == ["#1, a.png"]


def test_paths_beside_the_list_are_found_from_elsewhere(photos, monkeypatch, tmp_path):
    Path("list.txt").write_text("photos/a.png\nphotos/deep")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert found("@../list.txt") == ["a.png", "er/c.JPG"]


def test_a_list_that_is_no_text_is_said():
    with pytest.raises(SettingsError, match=r"a\.png cannot be read"):
        found("@photos/a.png")


def test_a_photo_on_standard_input(monkeypatch, photos):
    stdin(monkeypatch, (photos / "a.png").read_bytes())
    [photo] = find_photos(["-"], leave_out=Path("masks"))
    assert str(photo) == "stdin"
    assert read_photo(photo.source).shape == (2, 2, 3)


def test_a_list_on_standard_input(monkeypatch):
    stdin(monkeypatch, b"photos/a.png\nphotos/b.jpg\n")
    assert found("-") == ["a.png", "b.jpg"]


def test_noise_on_standard_input(monkeypatch):
    stdin(monkeypatch, b"\xff\xfe\x00 neither")
    with pytest.raises(PhotoError, match="neither a photo nor a list"):
        found("-")


def test_nothing_on_standard_input(monkeypatch):
    stdin(monkeypatch, b"")
    with pytest.raises(SettingsError, match="no photo found in -"):
        found("-")


def test_a_bomb_on_standard_input(monkeypatch):
    stdin(monkeypatch, png_that_claims(30_000, 30_000))
    with pytest.raises(PhotoError, match="exceeds limit"):
        found("-")


@pytest.mark.parametrize(
    ("relatives", "names"),
    [
        (["a.jpg", "b.jpg"], ["a", "b"]),
        (["a.jpg", "a.webp", "b.jpg"], ["a.jpg", "a.webp", "b"]),
        (["A.jpg", "a.jpg"], ["A.jpg", "a.jpg-2"]),
        (["x/a.jpg", "y/a.jpg"], ["x/a", "y/a"]),
        (["a.jpg", "a.jpg"], ["a.jpg", "a.jpg-2"]),  # the same name from two folders
        (["a.jpg.png", "a.jpg", "a.png"], ["a.jpg", "a.jpg-2", "a.png"]),
        (["caf\u00e9.jpg", "cafe\u0301.jpg"], ["caf\u00e9.jpg", "cafe\u0301.jpg-2"]),
        (["a.b.c.jpg", ".jpg"], ["a.b.c", ".jpg"]),
    ],
)
def test_names(relatives, names):
    photos = [FoundPhoto(Path(name), PurePosixPath(name)) for name in relatives]
    assert [str(name) for name in name_masks(photos)] == names


def test_a_name_that_is_no_text_is_found(photos):
    (photos / "odd").mkdir()
    (photos / "a.png").rename(photos / "odd" / os.fsdecode(b"\xff.png"))
    assert found("photos/odd") == ["\udcff.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_folder_that_is_closed_is_not_left_out_without_a_word(photos):
    (photos / "deep").chmod(0)
    try:
        assert found("photos") == ["a.png", "b.jpg", "deep", "masks/e.png"]
        with pytest.raises(PhotoError, match="Permission denied"):
            read_photo(photos / "deep")
    finally:
        (photos / "deep").chmod(0o755)
