"""Networks that others trained, as a folder in the format of the transformers library.

Such a folder has `config.json`, `model.safetensors` and mostly `preprocessor_config.json`. This
file reads what they say without that library; `inference.engines.transformers_folder` runs them.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grapy_cli.atomic import file_digest
from grapy_cli.errors import DatasetError, WeightsError
from grapy_cli.labels import LabelSet, label_set
from grapy_cli.labels.published_labels import PublishedLabels, labels_of_names, plain_name
from grapy_cli.model.hub import FILES, origin_of
from grapy_cli.safe_text import read_json

CONFIG = "config.json"
TENSORS = ("model.safetensors", "model.safetensors.index.json")
MOST_LABELS = 255


def is_published(path: Path) -> bool:
    """Tell whether a path is the folder of a published network."""
    return (path / CONFIG).is_file()


def describe(folder: Path, labels: Path | None = None) -> dict[str, Any]:
    """Return the facts of a folder as fields of a weights card.

    Args:
        labels: Label file, for a network whose labels are not understood.

    Raises:
        WeightsError: If the folder is damaged, has its weights in a pickle alone, or its labels
            are not understood.
        DatasetError: If the label file cannot be used.
    """
    _check_tensors(folder)
    config = _read_config(folder)
    origin = origin_of(folder)
    architectures = config.get("architectures") or ["(unknown)"]
    return {
        "name": name_of(folder),
        "grapy": "",
        "numbers": {},
        "label_sets": [_label_set(folder, labels).to_dict()],
        "stage": "published",
        "network": str(architectures[0]),
        "provenance": str(origin or f"the folder {folder}"),
    }


def name_of(folder: Path) -> str:
    """Return the repository of a folder in the Hub's cache; else the folder's own name."""
    origin = origin_of(folder)
    return origin.repository if origin else folder.resolve().name


def understood_labels(folder: Path) -> PublishedLabels:
    """Return what the labels of a published network are understood to be.

    Raises:
        WeightsError: If `config.json` is damaged or names no labels.
        DatasetError: If the labels begin with no background.
    """
    plain = plain_name(name_of(folder).rpartition("/")[2]) or "published"
    return labels_of_names(_names(folder), plain[:64])


def _label_set(folder: Path, labels: Path | None) -> LabelSet:
    """Return the label set of a network; the label file's where its own is not understood."""
    try:
        understood = understood_labels(folder)
        reason = ", ".join(understood.unknown)
    except DatasetError as error:
        understood, reason = None, error.message
    if understood and not reason:
        return understood.label_set
    name = origin_of(folder) or folder
    if labels is None:
        raise WeightsError(
            f"the labels of {name} are not understood: {reason}",
            hint=f"grapy labels {name} --template > labels.toml, give each part its group, "
            "then: --labels labels.toml",
        )
    own, count = label_set(str(labels)), len(_names(folder))
    if own.num_parts != count:
        raise DatasetError(
            f"the label file {labels} has {own.num_parts} parts, {name} has {count} labels"
        )
    return own


def folder_files(folder: Path) -> list[Path]:
    """Return the files of a published network that are read."""
    return sorted({path for pattern in FILES for path in folder.glob(pattern)})


def folder_digest(folder: Path) -> str:
    """Digest the files of a published network that are read."""
    rows = [(path.name, file_digest(path)) for path in folder_files(folder)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _check_tensors(folder: Path) -> None:
    if not any((folder / name).is_file() for name in TENSORS):
        raise WeightsError(
            f"{origin_of(folder) or folder} has no {TENSORS[0]}, and pickles (.bin, .pth) are not "
            "read: reading one can run any code",
            hint="Its maker, or the Hub's converter, can save it as safetensors.",
        )


def _read_config(folder: Path) -> Mapping[str, Any]:
    path = folder / CONFIG
    try:
        read = read_json(path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    if not isinstance(read, Mapping):
        raise WeightsError(f"{path} holds no table")
    return read


def _names(folder: Path) -> list[str]:
    """Return the names of the labels in the order of their ids."""
    table = _read_config(folder).get("id2label")
    try:
        by_id = {int(key): str(name) for key, name in (table or {}).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise WeightsError(f"the id2label of {folder / CONFIG} is not a table of names") from error
    if not 2 <= len(by_id) <= MOST_LABELS or set(by_id) != set(range(len(by_id))):
        raise WeightsError(
            f"{folder / CONFIG} names {len(by_id)} labels, and a parser has 2 to {MOST_LABELS}, "
            "with ids from 0",
            hint="A network that classifies whole photos or detects objects cannot parse.",
        )
    return [by_id[number] for number in range(len(by_id))]
