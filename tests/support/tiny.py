"""Tiny twins of the releases: their exact folders and file formats, with a handful of photos.

A photo shows its own label map in the label set's colors (255 is white), so any shift, crop or
mirror that photo and labels do not share is visible. All photos are 64 x 48 pixels.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.labels.atr import ATR
from grapy_cli.labels.cihp import CIHP
from grapy_cli.labels.lip import LIP
from grapy_cli.labels.pascal import PASCAL
from grapy_cli.prepare.sources import PASCAL_COLORS

HEIGHT, WIDTH = 64, 48
BLOCK = 8


def write_cihp(folder: Path, photos: int = 4) -> Path:
    """Write `CIHP_4w`, with the mirrored annotations that were made for it."""
    release = folder / "CIHP_4w"
    keys = [f"{7 * index + 1:07d}" for index in range(photos)]
    _write_flat(release, CIHP, keys, "Images", "Category_ids")
    _write_mirrored(release, CIHP, keys, "Category_ids", "Category_rev_ids")
    _write_lists(release / "lists", keys, "{}_id.txt")
    return release


def write_cihp_as_distributed(folder: Path, photos: int = 4) -> Path:
    """Write `instance-level_human_parsing`, whose test photos have no labels."""
    release = folder / "instance-level_human_parsing"
    keys = [f"{index + 1:07d}" for index in range(photos + 1)]
    train, val = _divided(keys[:-1])
    for name, split, some in (("Training", "train", train), ("Validation", "val", val)):
        _write_flat(release / name, CIHP, some, "Images", "Category_ids")
        _write_text(release / name / f"{split}_id.txt", some)
    _write_flat(release / "Testing", CIHP, keys[-1:], "Images", None)
    _write_text(release / "Testing" / "test_id.txt", keys[-1:])
    return release


def write_atr(folder: Path, photos: int = 4, *, lists: bool = True) -> Path:
    """Write `ATR`; the release itself comes without lists."""
    release = folder / "ATR"
    keys = [f"2500_{index + 1}" for index in range(photos)]
    _write_flat(release, ATR, keys, "JPEGImages", "SegmentationClassAug")
    _write_mirrored(release, ATR, keys, "SegmentationClassAug", "SegmentationClassAug_rev")
    if lists:
        _write_lists(release / "list", keys, "{}_id.txt")
    return release


def write_lip(folder: Path, photos: int = 4, *, nested: int = 1) -> Path:
    """Write `LIP` as its archives unpack, each into a folder of its name once or several times."""
    release = folder / "LIP"
    pictures, annotations, testing = (
        release.joinpath(*[name] * nested)
        for name in ("TrainVal_images", "TrainVal_parsing_annotations", "Testing_images")
    )
    keys = [f"{1000 + index}_{77 * index}" for index in range(photos + 1)]
    for split, some in zip(("train", "val"), _divided(keys[:-1]), strict=True):
        _write_flat(release, LIP, some, f"{split}_images", f"{split}_segmentations")
        _move(release / f"{split}_images", pictures)
        _move(release / f"{split}_segmentations", annotations)
        _write_text(pictures / f"{split}_id.txt", some)
    train = _divided(keys[:-1])[0]
    _write_mirrored(annotations, LIP, train, "train_segmentations", "train_segmentations_reversed")
    _write_flat(testing, LIP, keys[-1:], "testing_images", None)
    _write_text(testing / "test_id.txt", keys[-1:])
    return release


def write_lip_flat(folder: Path, photos: int = 4) -> Path:
    """Write LIP as the training code of SCHP asks for it: all folders side by side."""
    release = folder / "LIP"
    for split, some in zip(
        ("train", "val"), _divided([f"{index}_1" for index in range(photos)]), strict=True
    ):
        _write_flat(release, LIP, some, f"{split}_images", f"{split}_segmentations")
        _write_text(release / f"{split}_id.txt", some)
    return release


def write_lip_split(folder: Path, photos: int = 4) -> Path:
    """Write LIP as openseg asks for it: a folder for each split, without lists."""
    release = folder / "LIP"
    for split, some in zip(
        ("train", "val"), _divided([f"{index}_1" for index in range(photos)]), strict=True
    ):
        _write_flat(release / split, LIP, some, "image", "label")
    return release


def write_pascal(folder: Path, photos: int = 4) -> Path:
    """Write `pascal`: RGBA color pictures, two gray levels off, as they lie in the wild."""
    release = folder / "pascal"
    keys = [f"2008_{index + 1:06d}" for index in range(photos)]
    _write_flat(release, PASCAL, keys, "JPEGImages", "SegmentationPart")
    for key in keys:
        path = release / "SegmentationPart" / f"{key}.png"
        _colored(np.array(Image.open(path))).save(path)
    _write_lists(release / "list", keys, "{}_id.txt")
    return release


def write_pascal_part(folder: Path, photos: int = 4) -> Path:
    """Write the original PASCAL-Part: photos of VOC, and a `.mat` of objects and parts for each."""
    from scipy.io import savemat

    release = write_pascal(folder / "as pictures", photos)
    part_of = {"head": "hair", "torso": "neck", "upper-arm": "luarm", "lower-arm": "rhand"}
    part_of |= {"upper-leg": "ruleg", "lower-leg": "lfoot"}
    voc = folder / "PASCAL-Part" / "VOCdevkit" / "VOC2010" / "JPEGImages"
    voc.parent.mkdir(parents=True)
    (release / "JPEGImages").rename(voc)
    annotations = folder / "PASCAL-Part" / "Annotations_Part"
    annotations.mkdir()
    for seed, path in enumerate(sorted(voc.iterdir())):
        label_map = tiny_label_map(PASCAL, seed)
        parts = [
            {"part_name": name, "mask": (label_map == PASCAL.names.index(part)).astype(np.uint8)}
            for part, name in part_of.items()
        ]
        nobody = np.zeros_like(label_map)
        horse = {"class": "horse", "class_ind": 13, "mask": nobody + 1, "parts": []}
        person = {"class": "person", "class_ind": 15, "mask": nobody, "parts": _structs(parts)}
        anno = {"imname": path.stem, "objects": _structs([horse, person])}
        savemat(annotations / f"{path.stem}.mat", {"anno": anno})
    _write_lists(folder / "PASCAL-Part" / "list", sorted(p.stem for p in voc.iterdir()), "{}.txt")
    return folder / "PASCAL-Part"


def _structs(rows: list[dict[str, object]]) -> np.ndarray:
    """A struct array as MATLAB has it."""
    array = np.empty((1, len(rows)), [(name, object) for name in rows[0]])
    for index, row in enumerate(rows):
        array[0, index] = tuple(row.values())
    return array


def write_own(folder: Path, labels: LabelSet, photos: int = 4) -> Path:
    """Write a data set of a user's own: `images/`, `labels/`, `splits/`."""
    keys = [f"photo {index}" for index in range(photos)]
    _write_flat(folder, labels, keys, "images", "labels")
    _write_lists(folder / "splits", keys, "{}.txt")
    return folder


def tiny_label_map(labels: LabelSet, seed: int) -> np.ndarray:
    """Blocks of random parts with background around, and one block of ignore."""
    random = np.random.default_rng((seed, labels.num_parts))
    blocks = random.integers(1, labels.num_parts, (HEIGHT // BLOCK, WIDTH // BLOCK))
    blocks[[0, -1]] = blocks[:, 0] = blocks[:, -1] = 0
    blocks[-1, -1] = IGNORE
    return blocks.repeat(BLOCK, 0).repeat(BLOCK, 1).astype(np.uint8)


def tiny_photo(labels: LabelSet, label_map: np.ndarray) -> np.ndarray:
    """The label map in the label set's colors."""
    return np.array(labels.palette(), np.uint8).reshape(256, 3)[label_map]


def _write_flat(
    folder: Path, labels: LabelSet, keys: Sequence[str], photos: str, label_maps: str | None
) -> None:
    (folder / photos).mkdir(parents=True, exist_ok=True)
    if label_maps:
        (folder / label_maps).mkdir(parents=True, exist_ok=True)
    for seed, key in enumerate(keys):
        label_map = tiny_label_map(labels, seed)
        photo = Image.fromarray(tiny_photo(labels, label_map))
        photo.save(folder / photos / f"{key}.jpg", quality=95, subsampling=0)
        if label_maps:
            Image.fromarray(label_map).save(folder / label_maps / f"{key}.png")


def _write_mirrored(
    folder: Path, labels: LabelSet, keys: Sequence[str], label_maps: str, mirrored: str
) -> None:
    (folder / mirrored).mkdir(parents=True)
    swap = np.array([*labels.mirror_ids, *range(labels.num_parts, 256)], np.uint8)
    for key in keys:
        label_map = np.array(Image.open(folder / label_maps / f"{key}.png"))
        Image.fromarray(swap[label_map[:, ::-1]]).save(folder / mirrored / f"{key}.png")


def _write_lists(folder: Path, keys: Sequence[str], name: str) -> None:
    for split, some in zip(("train", "val"), _divided(keys), strict=True):
        _write_text(folder / name.format(split), some)


def _move(folder: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    folder.rename(into / folder.name)


def _write_text(path: Path, keys: Sequence[str]) -> None:
    """Without a final newline, as one of the real lists is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(keys))


def _divided(keys: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    num_val = max(1, len(keys) // 4)
    return keys[:-num_val], keys[-num_val:]


def _colored(label_map: np.ndarray) -> Image.Image:
    table = np.zeros((256, 3), np.uint8)
    for color, part in PASCAL_COLORS.items():
        table[part] = [max(channel - 2, 0) for channel in color]
    return Image.fromarray(table[label_map]).convert("RGBA")
