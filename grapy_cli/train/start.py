"""What a run starts from: fresh parameters, another run's weights, or an ImageNet encoder."""

from pathlib import Path

from torch import Tensor

from grapy_cli.errors import WeightsError
from grapy_cli.model.efficientnet import rename_encoder
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.weights import read_card, read_tensors, resolve_weights

ENCODER_STEM = "_conv_stem.weight"
"""Every published EfficientNet encoder has it; no weights file of grapy's does."""


def init_network(network: GrapyNet, path: Path) -> str:
    """Copy what fits from a weights file, and say in a sentence what was copied.

    What the file lacks (the pyramid after a pretrain stage, the heads of a new label set) keeps
    its fresh parameters.

    Raises:
        WeightsError: If the file cannot be read, or nothing of its backbone fits.
    """
    path = resolve_weights(path)
    tensors = read_tensors(path)
    if ENCODER_STEM in tensors:
        renamed = rename_encoder(tensors)
        tensors = {f"deeplab.backbone.{key}": value for key, value in renamed.items()}
    else:
        _check_label_sets(network, path)
    state = network.state_dict()
    fitting = {
        key: value
        for key, value in tensors.items()
        if key in state and state[key].shape == value.shape
    }
    backbone = [key for key in state if key.startswith("deeplab.backbone.")]
    if not all(key in fitting for key in backbone):
        missing = next(key for key in backbone if key not in fitting)
        raise WeightsError(
            f"{path} does not fit the {network.numbers.backbone} of this network: "
            f"{_difference(missing, tensors, state)}",
            hint="--backbone, --width and --output-stride must be those the weights were made for.",
        )
    network.load_state_dict(fitting, strict=False)
    fresh = sorted({_owner(key) for key in state if key not in fitting})
    return f"starting from {path}" + (f"; fresh: {', '.join(fresh)}" if fresh else "")


def _check_label_sets(network: GrapyNet, path: Path) -> None:
    """Equal names must mean equal parts, or a head would say the wrong thing."""
    for labels in read_card(path).load_label_sets():
        ours = network.label_sets.get(labels.name)
        if ours is not None and ours.digest != labels.digest:
            raise WeightsError(f"{path} knows another label set by the name {labels.name!r}")


def _difference(key: str, tensors: dict[str, Tensor], state: dict[str, Tensor]) -> str:
    if key not in tensors:
        return f"{key} is missing"
    return f"{key} is {tuple(tensors[key].shape)} instead of {tuple(state[key].shape)}"


def _owner(key: str) -> str:
    """The part of the network a parameter belongs to, as a person would name it."""
    top, second, *_ = key.split(".")
    return f"{top}.{second}" if top in ("main_heads", "refined_heads", "deeplab") else top
