"""`grapy weights adopt`: an ONNX file of another tool, with grapy's card written into a copy."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from grapy_cli import __version__
from grapy_cli.atomic import file_digest, replacing
from grapy_cli.errors import SettingsError, WeightsError
from grapy_cli.inference.engines.adopted import adopted_network
from grapy_cli.inference.engines.network import open_file
from grapy_cli.labels import LabelSet, label_set
from grapy_cli.labels.lookup import look_up
from grapy_cli.labels.orders import ORDERS
from grapy_cli.labels.published_labels import labels_of_names
from grapy_cli.model.card import PhotoInput, first_fault
from grapy_cli.model.exported.metadata import read_metadata
from grapy_cli.model.exported.onnx_file import encode_metadata
from grapy_cli.model.weights import CARD_KEY, NEWEST_FORMAT, WeightsCard
from grapy_cli.safe_text import read_toml


@dataclass(frozen=True)
class Preset:
    """What is known of the files of one tool."""

    title: str
    labels: LabelSet
    input: PhotoInput


def _preset(title: str, order: str, **rule: Any) -> Preset:  # noqa: ANN401 - of `PhotoInput`
    labels = labels_of_names(ORDERS[order].names, order).label_set
    return Preset(title, labels, PhotoInput.model_validate(rule))


_SCHP: Mapping[str, Any] = {
    "fit": "letterbox",
    "channels": "bgr",
    "mean": (0.406, 0.456, 0.485),
    "deviation": (0.225, 0.224, 0.229),
    "output": 1,
    "source": "SCHP's extractor (sizes, affine transform, BGR); the second output is the "
    "fusion that try-on pipelines read",
}

PRESETS: Mapping[str, Preset] = {
    "schp-atr": _preset("SCHP, ATR", "schp-atr", height=512, width=512, **_SCHP),
    "schp-lip": _preset("SCHP, LIP", "lip", height=473, width=473, **_SCHP),
    "schp-pascal": _preset(
        "SCHP, PASCAL-Person-Part", "schp-pascal", height=512, width=512, **_SCHP
    ),
    "segformer-clothes": _preset(
        "SegFormer, clothes",
        "segformer-clothes",
        height=512,
        width=512,
        source="preprocessor_config.json of segformer_b2_clothes and its relatives",
    ),
    "fashn": _preset(
        "SegFormer-B4, FASHN Human Parser",
        "fashn",
        height=576,
        width=384,
        resample="lanczos",
        source="documentation of fashn-human-parser: input size, and the filter of its "
        "version on the Hub",
    ),
}


def adopt_onnx(file: Path, like: str, out: Path) -> WeightsCard:
    """Write a copy of an ONNX file that grapy can use like its own weights.

    Args:
        file: Of another tool; its numbers must be in the file itself.
        like: A preset, or a TOML file with `labels` and the fields of `PhotoInput`.
        out: Where to; ends in .onnx.

    Raises:
        SettingsError: If there is no such preset, `out` cannot be used, or onnxruntime is not
            installed.
        WeightsError: If the file is damaged, is grapy's, or has another network than the preset.
    """
    if out.suffix.lower() != ".onnx" or out.resolve() == file.resolve():
        raise SettingsError(
            f"{out} cannot be the adopted file", hint="Name another file that ends in .onnx."
        )
    preset = look_up(like, PRESETS, _read_preset, "preset")
    if CARD_KEY in read_metadata(file):
        raise WeightsError(f"{file} has grapy's card already", hint=f"Use it: --weights {file}")
    card = WeightsCard(
        format=NEWEST_FORMAT,
        name=out.stem,
        grapy=__version__,
        numbers={},
        label_sets=[preset.labels.to_dict()],
        stage="adopted",
        network=preset.title,
        input=preset.input,
        provenance=f"{file.name}, sha256 {file_digest(file)}, adopted like {like}",
    )
    _try(file, card)
    try:
        with replacing(out) as beside:
            shutil.copyfile(file, beside)
            with beside.open("ab") as copy:
                copy.write(encode_metadata(CARD_KEY, card.model_dump_json()))
    except OSError as error:
        raise WeightsError(
            f"{out} cannot be written: {error}", hint="Make room, or name another place."
        ) from error
    return card


def _try(file: Path, card: WeightsCard) -> None:
    """Run the network once, on gray.

    Raises:
        WeightsError: If it does not give logits of its labels.
    """
    network = adopted_network(file, card, open_file(file, torch.device("cpu"), "fp32"))
    gray = network.fit.picture(np.full((64, 64, 3), 128, np.uint8))
    network.encode(torch.from_numpy(gray.transpose(2, 0, 1).copy())[None])


def _read_preset(path: Path) -> Preset:
    try:
        table = read_toml(path)
        labels = label_set(str(table.pop("labels")))
        title = str(table.pop("title", path.stem))
        return Preset(title, labels, PhotoInput.model_validate(table))
    except KeyError as error:
        raise SettingsError(
            f"the preset {path} has no {error}",
            hint='labels = "atr" or "my-labels.toml", in the order of the network\'s logits.',
        ) from error
    except ValidationError as error:
        raise SettingsError(
            f"the preset {path} cannot be used: {first_fault(error)}",
            hint=f"It has labels, title, {', '.join(PhotoInput.model_fields)}.",
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"the preset {path} cannot be read: {error}") from error
