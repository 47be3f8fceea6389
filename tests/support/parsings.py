"""Parsings without a network: of a label map, as sure as one likes."""

from pathlib import PurePosixPath

import numpy as np
import torch

from grapy_cli.inference.parsing import Parsing
from grapy_cli.labels import LABEL_SETS, LabelSet
from grapy_cli.predict.outputs.kinds import plan_kinds

PASCAL = LABEL_SETS["pascal"]


def parsing_of(label_map, labels: LabelSet = PASCAL, *, sure: float = 20.0, photo=None) -> Parsing:
    """The parsing that gives a label map; `sure` is the logit of what wins, those of others 0."""
    label_map = np.asarray(label_map, np.uint8)
    if photo is None:
        photo = np.random.default_rng(0).integers(0, 256, (*label_map.shape, 3), np.uint8)
    wins = torch.arange(labels.num_parts)[:, None, None] == torch.from_numpy(label_map)
    return Parsing.of(photo, sure * wins.float(), labels)


def block_map(height=40, width=30, **parts: tuple[slice, slice]) -> np.ndarray:
    """Background with blocks of parts of PASCAL: `head=np.s_[:10, 5:15]`; `_` for `-`."""
    label_map = np.zeros((height, width), np.uint8)
    for name, block in parts.items():
        label_map[block] = PASCAL.names.index(name.replace("_", "-"))
    return label_map


def write_kind(parsing: Parsing, out, save: str, name: str = "a", **options) -> list[str]:
    """Write one kind of result of one photo and return its files."""
    [kind] = plan_kinds([parsing.label_set], [options.pop("level", 3)], [save], **options)
    return kind.write({parsing.label_set.name: parsing}, out, PurePosixPath(name))
