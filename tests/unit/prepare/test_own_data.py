"""Data sets of people's own, with the faults that people's files have."""

import json
import shutil
import zipfile

import cv2
import numpy as np
import pytest
from PIL import Image

from grapy_cli.errors import DatasetError
from grapy_cli.image_io.photos import turn_upright
from grapy_cli.prepare.turned import fit_label
from grapy_cli.runtime.reporting import Told, Warned
from tests.support.odd_photos import EXIF_TURNS

LABELS = """
name = "four"
parts = [
  { name = "background", category = "background", color = [0, 0, 0] },
  { name = "head", category = "head", color = [255, 0, 0] },
  { name = "upper", category = "torso", color = [0, 255, 0] },
  { name = "lower", category = "legs", color = [0, 0, 255] },
]
"""
COLORS = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
HEIGHT, WIDTH = 64, 48


def figure(shift=0):
    """A person of three blocks, left of the middle and high up, so that no turn fits it."""
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    ids[4:14, 8 + shift : 18 + shift] = 1
    ids[14:34, 4 + shift : 22 + shift] = 2
    ids[34:54, 6 + shift : 14 + shift] = 3
    return ids


def shown(ids):
    """A photo of the person before a noisy wall."""
    wall = np.random.default_rng(0).integers(90, 120, (*ids.shape, 3), np.uint8)
    return np.where(ids[..., None] > 0, COLORS[ids] // 2 + 20, wall).astype(np.uint8)


@pytest.fixture
def own(tmp_path):
    """The label file and four photos with their label maps."""
    (tmp_path / "four.toml").write_text(LABELS)
    for folder in ("images", "labels", "splits"):
        (tmp_path / "own" / folder).mkdir(parents=True)
    for number in range(4):
        ids = figure(number)
        Image.fromarray(shown(ids)).save(tmp_path / f"own/images/p{number}.jpg", quality=95)
        Image.fromarray(ids).save(tmp_path / f"own/labels/p{number}.png")
    (tmp_path / "own/splits/train.txt").write_text("p0\np1\np2\n")
    (tmp_path / "own/splits/val.txt").write_text("p3\n")
    return tmp_path / "own"


@pytest.fixture
def made(own, prepare, tmp_path):
    """Prepare, and return what was said, the splits, and whether the label maps are right."""

    def run(source=own, expected=figure):
        events = []
        prepare(str(tmp_path / "four.toml"), source=source, report=events.append)
        folder = tmp_path / "data" / "four"
        photos = json.loads((folder / "dataset.json").read_text())["photos"]
        for number in range(4):
            path = folder / f"labels/level3/p{number}.png"
            if path.exists():
                np.testing.assert_array_equal(np.array(Image.open(path)), expected(number))
        said = [event.text for event in events if isinstance(event, Told | Warned)]
        return photos, said

    return run


WHOLE = {"train": 3, "val": 1}


def rewrite_labels(own, change):
    for path in (own / "labels").iterdir():
        change(np.array(Image.open(path)), path)


def rename_all(folder, pattern):
    for path in sorted(folder.iterdir()):
        path.rename(folder / pattern.format(stem=path.stem, suffix=path.suffix))


@pytest.mark.parametrize(
    "pattern",
    ["{stem}_mask.png", "{stem}_label.png", "{stem}_gt.png", "{stem}-seg.PNG", "mask_{stem}.png"],
)
def test_label_maps_with_a_word_in_their_names_are_matched_and_said(own, made, pattern):
    rename_all(own / "labels", pattern)
    photos, said = made()
    assert photos == WHOLE
    assert any("matched by a part of their name: 4" in text for text in said)


@pytest.mark.parametrize(
    "text",
    [
        "images\\p0.jpg\r\nimages\\p1.jpg\r\nimages\\p2.jpg\r\n",
        "\ufeff# our photos\n\n'p0'\n\"images/p1.jpg\"\np2.jpg  # blurred",
        "images/p0.jpg labels/p0.png\nimages/p1.jpg\tlabels/p1.png\nimages/p2.jpg,labels/p2.png",
        "p0.JPG\rp1.JPG\rp2.JPG",
        "image,label\np0.jpg,p0.png\np1.jpg,p1.png\np2.jpg,p2.png",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lists_of_all_kinds_are_read(own, made, text, encoding):
    (own / "splits/train.txt").write_bytes(text.encode(encoding))
    assert made()[0] == WHOLE


@pytest.mark.parametrize("suffix", [".jfif", ".avif", ".webp", ".bmp", ".JPEG", ".mpo"])
def test_every_suffix_of_a_photo_counts(own, made, suffix):
    for path in sorted((own / "images").iterdir()):
        kind = {".jfif": "JPEG", ".mpo": "MPO"}.get(suffix)
        Image.open(path).save(path.with_suffix(suffix), format=kind)
        path.unlink()
    assert made()[0] == WHOLE


@pytest.mark.parametrize("by_split", [True, False])
def test_folders_of_splits_are_read(own, made, by_split):
    for kind in ("images", "labels"):
        for path in sorted((own / kind).iterdir()):
            split = "valid" if path.stem == "p3" else "train"
            target = own / (f"{split}/{kind}" if by_split else f"{kind}/{split}") / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        if by_split:
            (own / kind).rmdir()
    shutil.rmtree(own / "splits")
    assert made()[0] == WHOLE


def nothing_listed(own):
    (own / "splits/train.txt").write_text("q0\nq1\n")
    (own / "splits/val.txt").write_text("q3")


def jpeg_labels(own):
    rewrite_labels(own, lambda ids, path: Image.fromarray(ids).save(path.with_suffix(".jpg")))
    for path in (own / "labels").glob("*.png"):
        path.unlink()


def no_photos(own):
    shutil.rmtree(own / "images")
    (own / "images").mkdir()


def packed_photos(own):
    shutil.rmtree(own / "images")
    with zipfile.ZipFile(own / "images.zip", "w") as file:
        file.writestr("p0.jpg", b"")


def photos_in_folders(own):
    for path in list((own / "images").iterdir()):
        (own / "images/scene").mkdir(exist_ok=True)
        path.rename(own / "images/scene" / path.name)


def other_names(own):
    rename_all(own / "labels", "other {stem}.png")


@pytest.mark.parametrize(
    ("spoil", "says", "hint"),
    [
        (nothing_listed, "the lists name q0, q1, q3, but photos are p0.jpg", "one photo a line"),
        (jpeg_labels, "labels holds 4 files such as p0.jpg, but no label maps: JPEG", "8-bit gray"),
        (no_photos, "images is empty", ""),
        (packed_photos, "lacks images: images.zip is not unpacked", "Unpack images.zip"),
        (photos_in_folders, r"images holds folders \(scene\), but no photos", "into images"),
        (other_names, "no label map has the name of a photo", "images/a.jpg, labels/a.png"),
    ],
)
def test_nothing_usable_is_a_sentence_with_the_next_step(own, prepare, tmp_path, spoil, says, hint):
    spoil(own)
    with pytest.raises(DatasetError, match=says) as error:
        prepare(str(tmp_path / "four.toml"), source=own)
    assert hint in error.value.hint
    assert not (tmp_path / "data/four/labels").exists()


def test_a_source_that_does_not_exist_or_is_empty_is_said(own, prepare, tmp_path):
    with pytest.raises(DatasetError, match="none does not exist"):
        prepare(str(tmp_path / "four.toml"), source=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"FOLDER/\{images, labels, splits/train.txt\}") as error:
        prepare(str(tmp_path / "four.toml"), source=tmp_path / "empty")
    assert "grapy prepare --dataset four.toml --source FOLDER" in error.value.hint


def test_one_jpeg_among_the_label_maps_is_told(own, made, tmp_path):
    Image.open(own / "labels/p1.png").save(own / "labels/p1.jpg")
    (own / "labels/p1.png").unlink()
    assert made()[0] == {"train": 2, "val": 1}
    rows = (tmp_path / "data/four/problems.csv").read_text()
    assert "missing-label,train,p1,p1.jpg is not a label map: JPEG changes ids" in rows


def test_two_photos_of_one_name_are_a_problem_unless_the_list_names_one(
    own, made, problems, tmp_path
):
    Image.open(own / "images/p0.jpg").save(own / "images/p0.bmp")
    assert made()[0] == {"train": 2, "val": 1}
    assert problems("four") == [("rejected", "same-key", "train", "p0")]
    shutil.rmtree(tmp_path / "data")
    (own / "splits/train.txt").write_text("p0.jpg\np1\np2")
    assert made()[0] == WHOLE
    assert (tmp_path / "data/four/images/p0.jpg").exists()


def test_accents_match_however_they_are_written(own, made):
    (own / "images/p0.jpg").rename(own / "images/Zoe\u0308 1.jpg")
    (own / "labels/p0.png").rename(own / "labels/Zo\u00eb 1.png")
    (own / "splits/train.txt").write_text("Zoe\u0308 1\np1\np2", encoding="utf-8")
    (own / "images/._p1.jpg").write_bytes(b"\0")
    (own / "labels/Thumbs.db").write_bytes(b"\0")
    assert made()[0] == WHOLE


@pytest.mark.parametrize("flag", [0, 1 << 11])
def test_zip_names_are_utf8_with_and_without_the_flag(own, made, tmp_path, flag):
    archive = tmp_path / "own.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(own.rglob("*.*")):
            name = path.relative_to(tmp_path).as_posix().replace("p0", "m\u00fcller")
            info = zipfile.ZipInfo(name)
            file.writestr(info, path.read_bytes().replace(b"p0\n", "m\u00fcller\n".encode()))
    data = archive.read_bytes()
    if not flag:  # as many programs write: the same bytes, without the bit that says UTF-8
        for start, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            parts = data.split(start)
            data = start.join(
                [parts[0], *(p[: place - 4] + b"\0\0" + p[place - 2 :] for p in parts[1:])]
            )
    archive.write_bytes(data)
    assert made(archive)[0] == WHOLE


def test_names_in_an_old_encoding_are_told_where_photos_are_missing(own, made, tmp_path):
    archive = tmp_path / "own.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(own.rglob("*.*")):
            name = path.relative_to(tmp_path).as_posix().replace("p0", "m\u00fcller")
            file.writestr(name, path.read_bytes())
    data = archive.read_bytes().replace("m\u00fcller".encode(), b"m\x81llerr")
    for start, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        parts = data.split(start)
        data = start.join(
            [parts[0], *(p[: place - 4] + b"\0\0" + p[place - 2 :] for p in parts[1:])]
        )
    archive.write_bytes(data)
    photos, said = made(archive)
    assert photos == {"train": 2, "val": 1}
    assert any("read as cp437" in text for text in said)


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (lambda ids, path: Image.fromarray(np.stack([ids] * 3, -1)).save(path), "ids-as-colors"),
        (lambda ids, path: Image.fromarray(COLORS[ids]).quantize(4).save(path), "palette-order"),
        (lambda ids, path: Image.fromarray(COLORS[ids]).save(path), None),
        (lambda ids, path: Image.fromarray(ids.astype(np.uint16)).save(path), None),
        (lambda ids, path: cv2.imwrite(str(path.with_suffix(".tif")), ids), "same-key"),
    ],
)
def test_label_maps_of_all_kinds_are_read(own, made, problems, write, problem):
    rewrite_labels(own, write)
    if problem == "same-key":
        for path in (own / "labels").glob("*.png"):
            path.unlink()
        problem = None
    assert made()[0] == WHOLE
    assert {row[1] for row in problems("four")} == ({problem} if problem else set())


def test_one_bit_for_four_parts_is_said(own, made, problems):
    rewrite_labels(own, lambda ids, path: Image.fromarray(ids > 0).save(path))
    _, said = made(expected=lambda number: (figure(number) > 0).astype(np.uint8))
    assert {row[1] for row in problems("four")} == {"one-bit"}
    assert any("they show head, but never upper, lower" in text for text in said)


def test_ids_that_start_at_1_get_the_hint(own, prepare, tmp_path):
    rewrite_labels(own, lambda ids, path: Image.fromarray(ids + 1).save(path))
    with pytest.raises(DatasetError, match="one too high"):
        prepare(str(tmp_path / "four.toml"), source=own)
    without_last = np.where(figure() == 3, 0, figure()).astype(np.uint8)
    Image.fromarray(without_last + 1).save(own / "labels/p0.png")
    events = []
    prepare(str(tmp_path / "four.toml"), source=own, report=events.append)
    said = [event.text for event in events if isinstance(event, Warned)]
    assert any("with the id 4: 3" in text and "subtract 1" in text for text in said)


def test_black_and_white_masks_are_guessed(own, made, tmp_path):
    rewrite_labels(
        own, lambda ids, path: Image.fromarray(np.where(ids, 255, 0).astype(np.uint8)).save(path)
    )
    made(expected=lambda number: np.where(figure(number), 255, 0))
    assert "is it black and white?" in (tmp_path / "data/four/problems.csv").read_text()


def test_sides_without_mirror_get_a_remark(own, made, tmp_path):
    text = LABELS.replace("head", "left-hand", 1).replace('"upper"', '"Right-Hand"')
    (tmp_path / "four.toml").write_text(text)
    said = made()[1]
    assert any(text.startswith("four: left-hand and Right-Hand name no mirror") for text in said)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_label_map_of_the_unturned_photo_is_turned(own, made, problems, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(EXIF_TURNS[orientation](shown(figure())))
    Image.fromarray(stored).save(own / "images/p0.jpg", exif=exif, quality=95)
    unturned = np.ascontiguousarray(EXIF_TURNS[orientation](figure()))
    Image.fromarray(unturned).save(own / "labels/p0.png")
    assert made()[0] == WHOLE
    problem = "label-unturned" if orientation > 4 else "label-turned-by-edges"
    assert [row[1] for row in problems("four")] == ["exif-rotated", problem]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_label_map_that_fits_stays_as_it_is(own, made, problems, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(EXIF_TURNS[orientation](shown(figure())))
    Image.fromarray(stored).save(own / "images/p0.jpg", exif=exif, quality=95)
    assert made()[0] == WHOLE
    assert [row[1] for row in problems("four")] == ["exif-rotated"]


@pytest.mark.parametrize(("side", "orientation"), [(64, 6), (64, 8), (64, 3)])
def test_a_square_photo_is_told_by_its_edges(tmp_path, side, orientation):
    ids = np.zeros((side, side), np.uint8)
    ids[:, :WIDTH] = figure()[:side]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(EXIF_TURNS[orientation](shown(ids)))
    Image.fromarray(stored).save(tmp_path / "p.png", exif=exif)
    unturned = np.ascontiguousarray(EXIF_TURNS[orientation](ids))
    data = (tmp_path / "p.png").read_bytes()
    turned, [[problem, _]] = fit_label(unturned, data, (side, side), orientation)
    np.testing.assert_array_equal(turned, ids)
    np.testing.assert_array_equal(turned, turn_upright(unturned, orientation))
    assert problem == "label-turned-by-edges"
    assert fit_label(ids, data, (side, side), orientation)[1] == []


@pytest.mark.parametrize(
    ("size", "guess"), [((48, 64), "on its side"), ((128, 96), "was resized"), ((50, 48), "differ")]
)
def test_other_sizes_are_refused_with_a_guess(own, prepare, tmp_path, size, guess):
    rewrite_labels(own, lambda _, path: Image.new("L", size[::-1], 1).save(path))
    with pytest.raises(DatasetError, match=guess):
        prepare(str(tmp_path / "four.toml"), source=own)
