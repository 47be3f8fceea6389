"""Initialize a network: from another run's weights, or from an ImageNet encoder."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from torch import Tensor

from grapy_cli.errors import GrapyError, WeightsError, said_of
from grapy_cli.labels import LabelSet, Part
from grapy_cli.model.efficientnet import rename_encoder
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.movenet import encoder_tensors
from grapy_cli.model.weights import (
    WeightsCard,
    misfits,
    read_card,
    read_tensors,
    resolve_weights,
)

ENCODERS: Mapping[str, Callable[[Mapping[str, Tensor]], dict[str, Tensor]]] = {
    "_conv_stem.weight": rename_encoder,  # EfficientNet, trained on ImageNet
    "encoder.stem.conv.weight": encoder_tensors,  # MoveNet
}
"""How to read published encoders, by a tensor that every such file has."""
WEIGHTS = "weights.safetensors"


def init_network(network: GrapyNet, path: Path) -> str:
    """Copy what fits from a weights file, and say in a sentence what was copied.

    Parts that the file lacks (the pyramid after pretrain, heads of new label sets) keep their fresh
    parameters.

    Raises:
        WeightsError: If the file cannot be read, nothing of its backbone fits, or it means other
            parts by the name of one of the network's label sets.
    """
    with said_of("--init"):
        path = _weights_of(path)
        tensors = read_tensors(path)
    for stem, rename in ENCODERS.items():
        if stem in tensors:
            tensors = {f"deeplab.backbone.{key}": value for key, value in rename(tensors).items()}
            break
    else:
        check_trained_alike(network, path)
    state = network.state_dict()
    fitting = {
        key: value
        for key, value in tensors.items()
        if key in state and state[key].shape == value.shape
    }
    backbone = {key: value for key, value in state.items() if key.startswith("deeplab.backbone.")}
    if faults := misfits(tensors, backbone):
        raise WeightsError(
            f"{path} does not fit the {network.numbers.backbone} of this network: {faults[0]}",
            hint="--backbone, --width and --output-stride must be those of the weights.",
        )
    network.load_state_dict(fitting, strict=False)
    fresh = sorted({_owner(key) for key in state if key not in fitting})
    return f"starting from {path}" + (f"; fresh: {', '.join(fresh)}" if fresh else "")


def check_trained_alike(network: GrapyNet, weights: Path) -> None:
    """Check that weights were trained with the same label sets, and the same dilation.

    Raises:
        WeightsError: If not.
    """
    card = read_card(weights)
    check_label_sets(network.label_sets.values(), card, weights)
    ours, theirs = network.numbers, card.network_numbers()
    alike = theirs.exact_dilation == ours.exact_dilation
    if theirs.backbone == ours.backbone and ours.output_stride < 32 and not alike:
        value = str(theirs.exact_dilation).lower()
        raise WeightsError(
            f"{weights} was trained with model.exact_dilation = {value}",
            hint=f"Add --set model.exact_dilation={value}.",
        )


def check_label_sets(ours: Iterable[LabelSet], card: WeightsCard, weights: Path) -> None:
    """Check that label sets of the same name have the same parts.

    Raises:
        WeightsError: If not; the message lists the differences.
    """
    theirs = {labels.name: labels for labels in card.load_label_sets()}
    for labels in ours:
        other = theirs.get(labels.name, labels)
        if labels.digest != other.digest:
            raise WeightsError(
                f"{weights} has another label set with the name {labels.name!r}:\n"
                + "\n".join(side_by_side(other, labels)),
                hint="Prepare the data set with the weights' label set, or give it another name.",
            )


def advice_of(stage: str, before: str, datasets: Iterable[str], runs: Path) -> str:
    """Return advice for a stage that starts without the weights of the stage before it."""
    found = newest_run(before, frozenset(datasets), runs)
    how = (
        f"--init {found}"
        if found
        else f"grapy train --stage {before}, then --stage {stage} --init and that run's folder"
    )
    return (
        f"starting from fresh parameters, where the paper's {stage} stage starts from a {before} "
        f"run: {how}"
    )


def newest_run(stage: str, datasets: frozenset[str], runs: Path) -> Path | None:
    """Return the newest run of a stage whose best weights have the data sets."""
    found = [(file.stat().st_mtime, file) for file in runs.glob(f"{stage}-*/best/{WEIGHTS}")]
    for _, file in sorted(found, reverse=True):
        try:
            known = {labels.name for labels in read_card(file).load_label_sets()}
        except GrapyError:  # of another program, or damaged
            continue
        if datasets <= known:
            return file.parents[1]
    return None


def _weights_of(path: Path) -> Path:
    try:
        return resolve_weights(path)
    except WeightsError as error:
        raise WeightsError(
            error.message,
            hint="--init takes a weights file, or a run folder that has best/ or last/; "
            "--resume resumes a run.",
        ) from error


def side_by_side(theirs: LabelSet, ours: LabelSet) -> Iterator[str]:
    """Give the parts in which two label sets differ, as lines of a table."""
    yield f"{'id':>4}  {'weights':<32}  data set"
    for index, (one, other) in enumerate(zip_longest(theirs.parts, ours.parts)):
        if (left := _said(one)) != (right := _said(other)):
            yield f"{index:>4}  {left:<32}  {right}"


def _said(part: Part | None) -> str:
    """Return everything of a part that a head depends on; colors may differ."""
    if part is None:
        return "-"
    mirror = f", mirrors {part.mirror}" if part.mirror else ""
    return f"{part.name} ({part.category.name.lower()}{mirror})"


def _owner(key: str) -> str:
    """Return the part of the network that a parameter belongs to, in words."""
    top, second, *_ = key.split(".")
    return f"{top}.{second}" if top in ("main_heads", "refined_heads", "deeplab") else top
