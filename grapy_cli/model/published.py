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
from grapy_cli.labels.published import labels_of_names, plain_name
from grapy_cli.model.hub import FILES, origin_of

CONFIG = "config.json"
PROCESSOR = "preprocessor_config.json"
TENSORS = ("model.safetensors", "model.safetensors.index.json")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
MOST_LABELS = 255


def is_published(path: Path) -> bool:
    """Whether a path is the folder of a published network."""
    return (path / CONFIG).is_file()


def describe(folder: Path, labels: Path | None = None) -> dict[str, Any]:
    """Return what a folder says of itself, as fields of a weights card.

    Args:
        folder: With a `config.json`.
        labels: Label file, for a network whose labels are not understood.

    Raises:
        WeightsError: If the folder is damaged, has its weights in a pickle alone, or its labels
            are not understood.
        DatasetError: If the label file cannot be used.
    """
    _check_tensors(folder)
    config = _read_json(folder / CONFIG)
    origin = origin_of(folder)
    name = origin.repository if origin else folder.resolve().name
    own = label_set_of(_names(config, folder), name, labels)
    architectures = config.get("architectures") or ["(unknown)"]
    return {
        "name": name,
        "grapy": "",
        "numbers": {},
        "label_sets": [own.to_dict()],
        "stage": "published",
        "network": str(architectures[0]),
        "provenance": f"{origin}" if origin else f"the folder {folder}",
    }


def label_set_of(names: list[str], network: str, labels: Path | None) -> LabelSet:
    """Return the label set that a network's labels are.

    Args:
        names: In the order of their ids.
        network: Names the label set where it is no known one.
        labels: Label file that takes the place of names that are not understood.

    Raises:
        WeightsError: If the names are not understood and there is no label file.
        DatasetError: If the label file cannot be used, or has another number of parts.
    """
    plain = plain_name(network.rpartition("/")[2]) or "published"
    try:
        understood = labels_of_names(names, plain[:64])
        reason = ", ".join(understood.unknown)
    except DatasetError as error:
        understood, reason = None, error.message
    if understood and not reason:
        return understood.label_set
    if labels is None:
        raise WeightsError(
            f"the labels of {network} are not understood: {reason}",
            hint="Write a label file with a group for each (grapy labels --template shows one), "
            "then: --labels FILE.toml",
        )
    own = label_set(str(labels))
    if own.num_parts != len(names):
        raise DatasetError(
            f"the label file {labels} has {own.num_parts} parts, {network} has {len(names)}"
        )
    return own


def folder_digest(folder: Path) -> str:
    """Digest the files of a published network that are read."""
    paths = sorted({path for pattern in FILES for path in folder.glob(pattern)})
    rows = [(path.name, file_digest(path)) for path in paths]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _check_tensors(folder: Path) -> None:
    if any((folder / name).is_file() for name in TENSORS):
        return
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    found = f" but {pickles[0]}, a pickle, which can run any code when it is read" * bool(pickles)
    raise WeightsError(
        f"{folder} has no model.safetensors{found}",
        hint="Its maker, or the Hub's converter, can save it as safetensors.",
    )


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read: {error}") from error
    if not isinstance(read, Mapping):
        raise WeightsError(f"{path} holds no table")
    return read


def _names(config: Mapping[str, Any], folder: Path) -> list[str]:
    """The names of the labels in the order of their ids."""
    table = config.get("id2label")
    try:
        by_id = {int(key): str(name) for key, name in (table or {}).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise WeightsError(f"the id2label of {folder / CONFIG} is no table of names") from error
    if not 2 <= len(by_id) <= MOST_LABELS or set(by_id) != set(range(len(by_id))):
        raise WeightsError(
            f"{folder / CONFIG} names {len(by_id)} labels, and a parser has 2 to {MOST_LABELS}, "
            "with ids from 0",
            hint="Networks that classify or detect whole photos are no parsers.",
        )
    return [by_id[number] for number in range(len(by_id))]
