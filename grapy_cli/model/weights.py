"""Weights files: one safetensors file that carries all that is needed to use it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from grapy_cli.errors import DatasetError, WeightsError
from grapy_cli.files import replacing
from grapy_cli.labels import LABEL_SETS, LabelSet
from grapy_cli.model.engines.files import is_exported, read_metadata
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers

FORMAT = 1
CARD_KEY = "grapy"
EMBEDDED_FOLDER = Path(__file__).parent.parent / "pretrained"
DEFAULT_EMBEDDED = "grapy-lite-ccp"


class WeightsCard(BaseModel):
    """What a weights file says of itself: how to build its network, and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: int = FORMAT
    """Version of this card."""
    name: str
    """What to call these weights."""
    grapy: str
    """Version of grapy that wrote the file."""
    numbers: dict[str, Any]
    """Arguments of `NetworkNumbers`."""
    label_sets: list[dict[str, Any]]
    """The whole table of each label set."""
    stage: str
    """pretrain, joint, finetune, or imported."""
    longest_side: int | None = None
    """Longest side of the photos the weights expect, pixels; None for photos as they are."""
    step: int = 0
    """Optimizer updates made in the last stage."""
    scores: list[dict[str, Any]] = []
    """What was measured: results as `grapy eval` prints them, with their protocol."""
    trained_on: str = ""
    """Data, in a sentence a person can judge."""
    licence: str = ""
    """Terms of the weights."""
    provenance: str = ""
    """How the weights came about: recipe, start, duration."""
    limits: str = ""
    """What the weights cannot be expected to do, in plain words."""

    def to_dict(self) -> dict[str, Any]:
        """The card as plain values."""
        return self.model_dump()

    def network_numbers(self) -> NetworkNumbers:
        """The numbers as the network takes them."""
        pyramid = self.numbers.get("pyramid")
        plain = {key: value for key, value in self.numbers.items() if key != "pyramid"}
        return NetworkNumbers(**plain, pyramid=PyramidNumbers(**pyramid) if pyramid else None)

    def load_label_sets(self) -> list[LabelSet]:
        """The label sets the heads speak, checked against those that ship.

        Raises:
            WeightsError: If a shipped label set has changed since the weights were made, or one of
                theirs is none.
        """
        try:
            label_sets = [LabelSet.from_dict(table) for table in self.label_sets]
        except (DatasetError, AttributeError) as error:
            raise WeightsError(f"the card of {self.name!r} holds no label sets: {error}") from error
        for labels in label_sets:
            shipped = LABEL_SETS.get(labels.name)
            if shipped is not None and shipped.digest != labels.digest:
                raise WeightsError(
                    f"the weights {self.name!r} were made for another {labels.name!r}: its parts "
                    f"had digest {labels.digest}, now they have {shipped.digest}"
                )
        return label_sets


def card_of(network: GrapyNet, *, name: str, grapy: str, stage: str, **facts: Any) -> WeightsCard:  # noqa: ANN401 - the card's own fields
    """Write the card of a network: its numbers and label sets, and whatever else is known."""
    return WeightsCard(
        name=name,
        grapy=grapy,
        stage=stage,
        numbers=asdict(network.numbers),
        label_sets=[labels.to_dict() for labels in network.label_sets.values()],
        **facts,
    )


def save_weights(
    path: Path,
    tensors: dict[str, torch.Tensor],
    card: WeightsCard,
    *,
    half: bool = False,
) -> None:
    """Write a weights file, beside first and then renamed.

    Args:
        path: Where to.
        tensors: A network's state.
        card: What the file says of itself.
        half: Store as float16: half the size, loaded as float32 again.
    """
    stored = {
        key: (tensor.half() if half and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for key, tensor in tensors.items()
    }
    with replacing(path) as beside:
        # Written by us: safetensors makes files that only their owner may read.
        beside.write_bytes(save(stored, {CARD_KEY: card.model_dump_json()}))


def pack_weights(
    source: Path,
    out: Path,
    facts: Mapping[str, Any],
    scores: Mapping[str, Any] | None = None,
    *,
    mix: Path | None = None,
    share: float = 0.5,
) -> WeightsCard:
    """Make a weights file fit to be given away: half precision, its card completed.

    Weights and those of a later run that started from them may be mixed: often the mixture keeps
    what the first knew of unusual photos and has most of what the second learned (Wortsman et al.
    2022, robust fine-tuning).

    Args:
        source: A weights file or run folder.
        out: Where to.
        facts: Fields of the card: name, licence, trained_on, provenance, limits.
        scores: What `grapy eval --json` printed for the file that is written (half precision
            rounds, so scores belong to the packed file).
        mix: A weights file or run folder of the same network.
        share: Of `mix` in the mixture, in [0, 1].

    Raises:
        WeightsError: If a file cannot be read, or `mix` is another network, or a fact is no field
            of the card.
    """
    path = resolve_weights(source)
    card = read_card(path).to_dict() | dict(facts)
    if scores is not None:
        measured = {"protocol": scores["protocol"], "weights": scores["weights"]}
        card["scores"] = [result | measured for result in scores["results"]]
    try:
        packed = WeightsCard.model_validate(card)
    except ValidationError as error:
        raise WeightsError(f"the card of {out} would be wrong: {error}") from error
    tensors = read_tensors(path)
    if mix is not None:
        tensors = _mixed(tensors, read_tensors(resolve_weights(mix)), share)
    save_weights(out, tensors, packed, half=True)
    return packed


def _mixed(
    own: dict[str, torch.Tensor], other: dict[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    if {key: value.shape for key, value in own.items()} != {
        key: value.shape for key, value in other.items()
    }:
        raise WeightsError("weights of two different networks cannot be mixed")
    return {
        key: torch.lerp(value, other[key], share) if value.is_floating_point() else other[key]
        for key, value in own.items()
    }


def read_card(path: Path) -> WeightsCard:
    """Read what a weights file says of itself, without its tensors.

    Raises:
        WeightsError: If the file is missing, damaged, or not one of grapy's: a weights file, or
            what `grapy export` wrote.
    """
    metadata = read_metadata(path) if is_exported(path) else _metadata(path)
    if CARD_KEY not in metadata:
        raise WeightsError(
            f"{path} is without grapy's card",
            hint="Only files that grapy wrote can be used; see `grapy weights import` for the "
            "reference's checkpoints, `grapy export` for other engines.",
        )
    try:
        card = WeightsCard.model_validate_json(metadata[CARD_KEY])
        if card.format > FORMAT:
            raise WeightsError(
                f"{path} has card format {card.format}, this grapy reads up to {FORMAT}",
                hint="Install a newer grapy.",
            )
        card.network_numbers()
    except (ValidationError, TypeError, json.JSONDecodeError) as error:
        raise WeightsError(f"the card of {path} cannot be read: {error}") from error
    return card


def _metadata(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except FileNotFoundError as error:
        raise WeightsError(
            f"the weights {path} do not exist",
            hint="`grapy weights list` names those in the package; leave --weights out for them.",
        ) from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is no readable safetensors file: {error}",
            hint=f"A .pth of the reference is converted by `grapy weights import {path}`.",
        ) from error


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a safetensors file, half precision as float32.

    Raises:
        WeightsError: If the file is missing or damaged.
    """
    if is_exported(path):
        raise WeightsError(
            f"{path} is for another engine: it can parse, and nothing else",
            hint="Name the weights that it was exported from.",
        )
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dict
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is no readable safetensors file: {error}") from error
    # Copied, because in the file they lie on odd addresses, where kernels round otherwise: a
    # resumed training would differ from an unbroken one in the last bit.
    return {
        key: tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor.clone()
        for key, tensor in tensors.items()
    }


def load_weights(path: Path) -> tuple[GrapyNet, WeightsCard]:
    """Build the network a weights file describes and fill it; it is in evaluation mode.

    Raises:
        WeightsError: If the file cannot be read or does not hold what its card says.
    """
    card = read_card(path)
    # On the meta device nothing is initialized that is overwritten anyway. (Buffers that files do
    # not carry are made on the CPU all the same: they say so where they are made.)
    with torch.device("meta"):
        network = build_network(card.network_numbers(), card.load_label_sets())
    tensors = read_tensors(path)
    expected = network.state_dict()
    faults = [f"{key} is missing" for key in expected if key not in tensors]
    faults += [f"{key} is unknown" for key in tensors if key not in expected]
    faults += [
        f"{key} is {tuple(tensors[key].shape)} instead of {tuple(value.shape)}"
        for key, value in expected.items()
        if key in tensors and tensors[key].shape != value.shape
    ]
    if faults:
        raise WeightsError(
            f"{path} does not hold the network of its card: {faults[0]}"
            + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else "")
        )
    network.load_state_dict(tensors, assign=True)
    return network.eval(), card


def embedded_weights() -> dict[str, Path]:
    """The weights inside the package, by name."""
    return {path.stem: path for path in sorted(EMBEDDED_FOLDER.glob("*.safetensors"))}


def resolve_weights(path: Path | None) -> Path:
    """Find the weights file that is meant: a file, a run folder's best, or the embedded one.

    Raises:
        WeightsError: If there is none.
    """
    embedded = embedded_weights()
    if path is None or (str(path) in embedded and not path.exists()):
        name = DEFAULT_EMBEDDED if path is None else str(path)
        if name not in embedded:
            raise WeightsError(
                f"the package holds no weights {name!r}",
                hint="Name a file with --weights, or train one with `grapy train`.",
            )
        return embedded[name]
    if not path.is_dir():
        return path
    for checkpoint in (path / "best", path / "last", path):
        if (file := checkpoint / "weights.safetensors").is_file():
            return file
    raise WeightsError(
        f"the folder {path} holds no weights",
        hint="A run folder has best/weights.safetensors once a checkpoint was saved.",
    )
