"""Paste cut-out objects into photos, as background: animals, food and tools that are not people.

python examples/paste_objects.py raw-objects raw-coco raw-voc --objects objects
python examples/paste_objects.py raw-nobody raw-coco raw-voc --objects objects --nobody 800

The folders have the layout of PASCAL-Person-Part, and so has what is written; see `mend_labels.py`.
Objects are PNG files with transparency, such as the stamps of Tux Paint. The first command copies
every photo with people once; the second makes photos of nobody, from photos without people and
those in `--scenes`.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from grapy_cli.image_io.label_maps import load_label_map

SIDE = 448
"""Longest side of what is written, pixels."""


class Labeled(NamedTuple):
    """A photo (BGR) with its label maps, all of one size."""

    photo: np.ndarray
    parts: np.ndarray
    person: np.ndarray


def main():
    arguments = read_arguments()
    random = np.random.default_rng(arguments.seed)
    objects = [cv2.imread(str(path), -1) for path in sorted(arguments.objects.glob("*.png"))]
    photos = [path for folder in arguments.folders for path in list_photos(folder)]
    if arguments.nobody:
        scenes = sorted(arguments.scenes.iterdir()) if arguments.scenes else []
        free = [path for path in photos if not read(path).person.any()] + scenes
        samples, most, size = places(free, arguments.nobody, random), 3, (0.3, 1.1)
    else:
        samples, most, size = people(photos), 2, (0.25, 0.7)
    write(arguments.out, with_objects(samples, objects, most, size, random))


def people(photos: list[Path]):
    for path in photos:
        sample = read(path)
        if (sample.person == 1).any():
            yield path.stem, sample


def places(free: list[Path], count: int, random: np.random.Generator):
    for number in range(count):
        photo = cv2.imread(str(free[int(random.integers(len(free)))]))
        if random.random() < 0.5:
            photo = photo[:, ::-1]
        factor = SIDE / max(photo.shape[:2])
        photo = np.ascontiguousarray(cv2.resize(photo, None, fx=factor, fy=factor))
        labels = np.zeros(photo.shape[:2], np.uint8)
        yield f"nobody_{number:04}", Labeled(photo, labels, labels.copy())


def with_objects(
    samples: Iterable[tuple[str, Labeled]],
    objects: list[np.ndarray],
    most: int,
    size: tuple[float, float],
    random: np.random.Generator,
):
    for key, sample in samples:
        for _ in range(int(random.integers(1, most + 1))):
            paste(sample, objects, size, random)
        yield key, sample


def paste(
    sample: Labeled,
    objects: list[np.ndarray],
    size: tuple[float, float],
    random: np.random.Generator,
):
    """Paste one object, partly outside at times; `size` is a share of the photo's shorter side."""
    height, width = sample.parts.shape
    thing = objects[int(random.integers(len(objects)))]
    if random.random() < 0.5:
        thing = thing[:, ::-1]
    factor = random.uniform(*size) * min(height, width) / max(thing.shape[:2])
    thing = cv2.resize(thing, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    own_height, own_width = thing.shape[:2]
    top = int(random.uniform(-0.2 * own_height, height - 0.7 * own_height))
    left = int(random.uniform(-0.25 * own_width, width - 0.75 * own_width))
    seen = np.s_[max(0, top) : top + own_height, max(0, left) : left + own_width]
    there = sample.parts[seen].shape
    thing = thing[max(0, -top) :, max(0, -left) :][: there[0], : there[1]]
    cover = thing[..., 3:] / 255
    light = random.uniform(0.7, 1.2)
    color = np.clip(thing[..., :3] * light, 0, 255)
    sample.photo[seen] = sample.photo[seen] * (1 - cover) + color * cover
    for labels in (sample.parts, sample.person):
        labels[seen][cover[..., 0] > 0.5] = 0


def list_photos(folder: Path):
    keys = (folder / "list/train_id.txt").read_text().split()
    return [next((folder / "JPEGImages").glob(f"{key}.*")) for key in keys]


def read(path: Path):
    folder = path.parents[1]
    parts, person = (
        load_label_map(folder / kind / f"{path.stem}.png")
        for kind in ("SegmentationPart", "person")
    )
    return Labeled(cv2.imread(str(path)), parts, person)


def write(out: Path, samples: Iterable[tuple[str, Labeled]]):
    for kind in ("JPEGImages", "SegmentationPart", "person", "list"):
        (out / kind).mkdir(parents=True, exist_ok=True)
    keys = []
    for key, sample in samples:
        cv2.imwrite(
            str(out / f"JPEGImages/{key}.jpg"), sample.photo, [cv2.IMWRITE_JPEG_QUALITY, 92]
        )
        cv2.imwrite(str(out / f"SegmentationPart/{key}.png"), sample.parts)
        cv2.imwrite(str(out / f"person/{key}.png"), sample.person)
        keys.append(key)
    (out / "list/train_id.txt").write_text("".join(f"{key}\n" for key in keys))
    print(f"{len(keys)} photos in {out}")


def read_arguments():
    parser = argparse.ArgumentParser(description="Paste cut-out objects into photos.")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("folders", type=Path, nargs="+", help="folders with photos and label maps")
    parser.add_argument("--objects", type=Path, required=True, help="folder of PNG files")
    parser.add_argument("--scenes", type=Path, help="folder of photos without people")
    parser.add_argument("--nobody", type=int, default=0, help="photos without people to make")
    parser.add_argument("--seed", type=int, default=6)
    return parser.parse_args()


if __name__ == "__main__":
    main()
