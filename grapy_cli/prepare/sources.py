"""Tables of where each release has its photos, label maps and lists.

Sources: the releases' own folders; the reference's `data/datasets` for the flat ones.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from grapy_cli.errors import DatasetError
from grapy_cli.labels import IGNORE, LabelSet, label_set
from grapy_cli.labels.atr import ATR
from grapy_cli.labels.cihp import CIHP
from grapy_cli.labels.label_set import Color
from grapy_cli.labels.lip import LIP
from grapy_cli.labels.pascal import PASCAL


class Shelf(NamedTuple):
    """One folder of photos and the folder of their label maps, relative to the release."""

    photos: str
    labels: str
    split: str = ""
    """The split that all its photos belong to; empty where lists say so."""
    mirrored: str = ""
    """The release's own annotations of the mirrored photos: audited, not used."""


class Layout(NamedTuple):
    """One way a release is laid out."""

    roots: tuple[str, ...]
    """Names of the folder; upper and lower case are the same."""
    shelves: tuple[Shelf, ...]
    """All shelves that exist are read; one is enough."""
    lists: str
    """The usual name of a list, for messages; `release.py` accepts others as well."""


class Source(NamedTuple):
    """Everything `prepare` has to know about a data set before it reads files."""

    label_set: LabelSet
    layouts: tuple[Layout, ...]
    download: str
    """Where to download the release, a sentence for people."""
    colors: Mapping[Color, int] = MappingProxyType({})
    """Part ids by RGB, where label maps may be color pictures."""
    published: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    """Photos of each split by its papers, which do not always agree; "all" without splits."""
    drawn: str = ""
    """The label set of drawn people; empty for releases."""


# Checked on photos: the ids differ from the order of the VOC palette. The last row is VOC's color
# for "void".
PASCAL_COLORS: Mapping[Color, int] = {
    (0, 0, 0): PASCAL.names.index("background"),
    (128, 0, 0): PASCAL.names.index("head"),
    (0, 128, 0): PASCAL.names.index("torso"),
    (0, 0, 128): PASCAL.names.index("upper-arm"),
    (128, 128, 0): PASCAL.names.index("lower-arm"),
    (0, 128, 128): PASCAL.names.index("upper-leg"),
    (128, 0, 128): PASCAL.names.index("lower-leg"),
    (224, 224, 192): IGNORE,
}

# fmt: off
_CIHP_FLAT = Layout(
    ("CIHP_4w", "CIHP"),
    (Shelf("Images", "Category_ids", mirrored="Category_rev_ids"),),
    "lists/train_id.txt",
)
_CIHP_SPLIT = Layout(
    ("instance-level_human_parsing", "CIHP"),
    (
        Shelf("Training/Images",   "Training/Category_ids",   "train"),
        Shelf("Validation/Images", "Validation/Category_ids", "val"),
        Shelf("Testing/Images",    "Testing/Category_ids",    "test"),
        Shelf("train/Images",      "train/Category_ids",      "train"),
        Shelf("val/Images",        "val/Category_ids",        "val"),
        Shelf("test/Images",       "test/Category_ids",       "test"),
    ),
    "Training/train_id.txt",
)
_ATR_FLAT = Layout(
    ("ATR", "humanparsing"),
    (Shelf("JPEGImages", "SegmentationClassAug", mirrored="SegmentationClassAug_rev"),),
    "list/train_id.txt",
)
# The photos belong to VOC, so the annotations lie beside them or beside the folders of VOC.
_PASCAL = tuple(
    Layout(
        ("pascal", "PASCAL-Person-Part", "pascal_person_part", "VOC2010", "PASCAL-Part"),
        (Shelf(f"{voc}JPEGImages", labels),),
        "list/train_id.txt",
    )
    for labels in ("SegmentationPart", "pascal_person_part_gt", "Annotations_Part")
    for voc in ("", "VOC2010/", "VOCdevkit/VOC2010/")
)
# Each archive of the release may unpack into a folder of its name once or twice.
_LIP_ARCHIVES = tuple(
    Layout(
        ("LIP",),
        (
            Shelf(f"{images}/train_images", f"{labels}/train_segmentations", "train",
                  mirrored=f"{labels}/train_segmentations_reversed"),
            Shelf(f"{images}/val_images", f"{labels}/val_segmentations", "val"),
            Shelf("Testing_images/testing_images", "-", "test"),
            Shelf("Testing_images/Testing_images/testing_images", "-", "test"),
        ),
        "TrainVal_images/train_id.txt",
    )
    for images in ("TrainVal_images", "TrainVal_images/TrainVal_images")
    for labels in (
        "TrainVal_parsing_annotations", "TrainVal_parsing_annotations/TrainVal_parsing_annotations",
    )
)
# Two arrangements that training code of others asks for: SCHP's, and openseg's.
_LIP_FLAT = Layout(
    ("LIP",),
    (
        Shelf("train_images", "train_segmentations", "train",
              mirrored="train_segmentations_reversed"),
        Shelf("val_images", "val_segmentations", "val"),
    ),
    "train_id.txt",
)
_LIP_SPLIT = Layout(
    ("LIP",),
    (Shelf("train/image", "train/label", "train"), Shelf("val/image", "val/label", "val")),
    "train/train_id.txt",
)
_OWN_FLAT = (Shelf("images", "labels"),)
_SPLIT_FOLDERS = {
    **{split: split for split in ("train", "val", "test")},
    **dict.fromkeys(("valid", "validation"), "val"),
}
_OWN_BY_KIND = tuple(
    Shelf(f"images/{folder}", f"labels/{folder}", split) for folder, split in _SPLIT_FOLDERS.items()
)
_OWN_BY_SPLIT = tuple(
    Shelf(f"{folder}/images", f"{folder}/labels", split) for folder, split in _SPLIT_FOLDERS.items()
)
# fmt: on

SOURCES: Mapping[str, Source] = {
    source.label_set.name: source
    for source in (
        Source(
            CIHP,
            (_CIHP_FLAT, _CIHP_SPLIT),
            "CIHP (instance-level_human_parsing) can be downloaded from the LIP page of the HCP "
            "lab, Sun Yat-sen University: sysu-hcp.net/lip",
            published={"train": (28280,), "val": (5000,), "test": (5000,)},
        ),
        Source(
            ATR,
            (_ATR_FLAT,),
            "ATR is humanparsing at github.com/lemondan/HumanParsing-Dataset",
            published={"all": (17700,)},
        ),
        Source(
            PASCAL,
            _PASCAL,
            "The photos come from PASCAL VOC 2010 (JPEGImages), the label maps from the "
            "PASCAL-Person-Part annotations of Chen et al. 2014",
            PASCAL_COLORS,
            published={"train": (1716, 1717), "val": (1817, 1818)},
        ),
        Source(
            LIP,
            (*_LIP_ARCHIVES, _LIP_FLAT, _LIP_SPLIT),
            "Download LIP (single person) from the LIP page of the HCP lab, Sun Yat-sen "
            "University: sysu-hcp.net/lip; unpack TrainVal_images and "
            "TrainVal_parsing_annotations into one folder",
            published={"train": (30462,), "val": (10000,), "test": (10000,)},
        ),
    )
}

SYNTHETIC = "synthetic"


def own_source(labels: LabelSet) -> Source:
    """Describe a data set of the user: images/, labels/ and, if there are any, lists in splits/.

    Both folders may be sorted into train, val and test. Label maps may also be pictures in the
    colors of the label set.

    Raises:
        DatasetError: If the name is that of the folder of releases.
    """
    if labels.name == "raw":
        raise DatasetError(f"{labels.name!r} cannot name a data set, which is a folder")
    layouts = tuple(
        Layout((labels.name,), shelves, lists)
        for shelves, lists in (
            (_OWN_FLAT, "splits/train.txt"),
            (_OWN_BY_KIND, "images/val, labels/val"),
            (_OWN_BY_SPLIT, "val/images, val/labels"),
        )
    )
    return Source(labels, layouts, "Bring your own photos and label maps", labels.ids_by_color)


def sources_of(dataset: str, *, synthetic_labels: Sequence[str] = ()) -> list[Source]:
    """Return the source of a data set or label file; several for people in several label sets.

    Raises:
        DatasetError: If there is no such data set, or its label file cannot be used.
    """
    if dataset == SYNTHETIC:
        return _synthetic_sources(synthetic_labels)
    if dataset in SOURCES:
        return [SOURCES[dataset]]
    labels = label_set(dataset)
    if labels.name == SYNTHETIC:
        raise DatasetError(f"{dataset} takes the name {labels.name!r}, which is reserved")
    return [own_source(labels)]


def _synthetic_sources(labels: Sequence[str]) -> list[Source]:
    """Return sources of drawn people, in the layout of the release with their label set.

    With one label set they are the data set `synthetic`. With several they are one data set for
    each, of the same photos and named like the label set, as a further folder to train on.
    """
    drawn = [SOURCES[name]._replace(published={}, drawn=name) for name in dict.fromkeys(labels)]
    if len(drawn) != 1:
        return drawn
    what = f"drawn by grapy; parts of {drawn[0].drawn}"
    parts = drawn[0].label_set.parts
    return [drawn[0]._replace(label_set=LabelSet(SYNTHETIC, "Synthetic people", what, parts))]
