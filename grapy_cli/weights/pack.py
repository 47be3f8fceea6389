"""Pack weights for publishing: half the size, with a complete card."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from grapy_cli import __version__
from grapy_cli.data.layout import PreparedDataset, find_prepared
from grapy_cli.errors import SettingsError, WeightsError
from grapy_cli.image_io.label_maps import count_ids, load_label_map
from grapy_cli.model.card import first_fault
from grapy_cli.model.weights import (
    FORMAT,
    WeightsCard,
    read_card,
    read_tensors,
    resolve_weights,
    save_weights,
)
from grapy_cli.safe_text import read_toml
from grapy_cli.weights.card_scores import read_scores

Tensors = dict[str, torch.Tensor]


def pack_weights(
    source: Path,
    out: Path,
    *,
    card: Path | None = None,
    scores: Path | None = None,
    data: Path | None = None,
    mix: Path | None = None,
    share: float = 0.5,
) -> WeightsCard:
    """Write a weights file in half precision, with all that is known on its card.

    Weights and those of a later run that started from them may be mixed: often the mixture keeps
    what the first knew of unusual photos and has most of what the second learned (Wortsman et al.
    2022, robust fine-tuning).

    Args:
        source: A weights file or run folder.
        card: TOML with fields of the card: name, licence, data, recipe, limits, ...
        scores: What `grapy eval --json` printed for the file that is written (half precision
            rounds, so scores belong to the packed file).
        data: Folder of the prepared data sets trained on; in how many of their training photos
            each part is seen is counted.
        mix: A weights file or run folder of the same network.
        share: Of `mix` in the mixture, in [0, 1].

    Raises:
        WeightsError: If a file cannot be read, or `mix` is another network.
        SettingsError: If the fields do not belong to a card, or the scores to an evaluation.
        DatasetError: If a data set is damaged.
    """
    path = resolve_weights(source)
    known = read_card(path)
    facts = _read_facts(card) if card else {}
    if scores is not None:
        facts |= read_scores(scores)
    if data is not None:
        facts["training_photos"] = count_photos(data, {it["name"] for it in known.label_sets})
    packed = _completed(known, facts, card)
    tensors = read_tensors(path)
    if mix is not None:
        tensors = _mixed(tensors, read_tensors(resolve_weights(mix)), share)
    save_weights(out, tensors, packed, half=True)
    return packed


def count_photos(root: Path, names: set[str]) -> dict[str, dict[str, int]]:
    """Count, by data set and part, the training photos that show it.

    Args:
        names: Of the data sets to count; one that is not there is left out.

    Raises:
        SettingsError: If there is none of them.
        DatasetError: If a data set is damaged.
    """
    there = [name for name in find_prepared(root) if name in names]
    if not there:
        raise SettingsError(
            f"there is no prepared data set in {root} for {', '.join(sorted(names))}",
            hint="Set --data to the folder with the prepared data sets.",
        )
    return {name: _count(PreparedDataset.open(root / name)) for name in there}


def _count(dataset: PreparedDataset) -> dict[str, int]:
    photos = np.zeros(256, np.int64)
    for key in dataset.keys("train"):
        photos += count_ids(load_label_map(dataset.label_map(key))) > 0
    return dict(zip(dataset.label_set.names, photos.tolist(), strict=False))


def _read_facts(card: Path) -> dict[str, Any]:
    try:
        return read_toml(card)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the card {card} cannot be read: {error}") from error


def _completed(known: WeightsCard, facts: dict[str, Any], file: Path | None) -> WeightsCard:
    own = {"format": FORMAT, "grapy": __version__}
    try:
        return WeightsCard.model_validate(known.model_dump() | facts | own)
    except ValidationError as error:
        raise SettingsError(
            f"the card {file} cannot be used: {first_fault(error)}",
            hint=f"A card has {', '.join(WeightsCard.model_fields)}.",
        ) from error


def _mixed(own: Tensors, other: Tensors, share: float) -> Tensors:
    if {key: value.shape for key, value in own.items()} != {
        key: value.shape for key, value in other.items()
    }:
        raise WeightsError("the weights are of two different networks and cannot be mixed")
    return {
        key: torch.lerp(value, other[key], share) if value.is_floating_point() else other[key]
        for key, value in own.items()
    }
