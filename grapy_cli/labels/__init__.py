"""The label sets: four that ship with grapy, and label files of users."""

from collections.abc import Mapping
from pathlib import Path

from grapy_cli.errors import DatasetError
from grapy_cli.labels.atr import ATR
from grapy_cli.labels.cihp import CIHP
from grapy_cli.labels.label_set import IGNORE, Category, LabelSet, Level, Node, Part
from grapy_cli.labels.lip import LIP
from grapy_cli.labels.lookup import look_up
from grapy_cli.labels.pascal import PASCAL
from grapy_cli.safe_text import read_toml

__all__ = [
    "IGNORE",
    "LABEL_SETS",
    "PAPER_SETS",
    "Category",
    "LabelSet",
    "Level",
    "Node",
    "Part",
    "dataset_name",
    "dataset_option",
    "label_set",
]

LABEL_SETS: Mapping[str, LabelSet] = {labels.name: labels for labels in (CIHP, PASCAL, ATR, LIP)}
PAPER_SETS = (CIHP, PASCAL, ATR)
"""The label sets of the paper, in the order of the reference's heads."""


def label_set(name: str) -> LabelSet:
    """Return a label set by its name, or read it from a label file (`*.toml`).

    Raises:
        DatasetError: If no label set has that name, or the file cannot be used.
    """
    return look_up(name, LABEL_SETS, _read_label_file, "label set")


def dataset_name(dataset: str) -> str:
    """Return the name of a data set, also for a label file (`*.toml`).

    Raises:
        DatasetError: If the label file cannot be used.
    """
    return label_set(dataset).name if dataset.endswith(".toml") else dataset


def dataset_option(name: str) -> str:
    """Return what `--dataset` takes to prepare a data set: its name, or that of a label file."""
    return name if name in LABEL_SETS else f"{name}.toml"


def _read_label_file(path: Path) -> LabelSet:
    try:
        table = read_toml(path)
    except FileNotFoundError as error:
        raise DatasetError(f"the label file {path} does not exist") from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"the label file {path} cannot be read: {error}") from error
    table.setdefault("name", path.stem)
    labels = LabelSet.from_dict(table)
    if labels.name in LABEL_SETS:
        raise DatasetError(
            f"the label file {path} takes the name {labels.name!r}, which ships with grapy",
            hint='Give it another name: name = "my-parts".',
        )
    return labels
