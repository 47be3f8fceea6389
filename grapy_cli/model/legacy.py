"""You may ignore this file: it only reads the checkpoints of the reference implementation.

Their tensors get our names, the stem is changed from BGR to RGB, and 1x1 convolutions over nodes
become linear layers. Tensors that the reference never uses are left out and listed.
"""

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from grapy_cli.atomic import file_digest
from grapy_cli.errors import WeightsError, first_line, said_of
from grapy_cli.labels import PAPER_SETS, LabelSet
from grapy_cli.model.grapy import NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers
from grapy_cli.model.weights import card_of, misfits, save_weights
from grapy_cli.safe_text import download_mistake

# Their names -> our names; every row is tried on every name, in this order.
RENAMES = (
    (r"^xception_features\.(conv|bn)1\.", r"deeplab.backbone.stem.0.\1."),
    (r"^xception_features\.(conv|bn)2\.", r"deeplab.backbone.stem.1.\1."),
    *((rf"^xception_features\.block{n}\.", f"deeplab.backbone.entry.{n - 1}.") for n in (1, 2, 3)),
    *(
        (rf"^xception_features\.block{n}\.", f"deeplab.backbone.middle.{n - 4}.")
        for n in range(4, 20)
    ),
    (r"^xception_features\.block20\.", "deeplab.backbone.last."),
    *((rf"^xception_features\.conv{n}\.", f"deeplab.backbone.exit.{n - 3}.") for n in (3, 4, 5)),
    # In block 1 the convolutions are rep.0, 2, 4; elsewhere a ReLU comes first: 1, 3, 5.
    *((rf"\.rep\.{n}\.", f".separables.{n // 2}.") for n in range(6)),
    (r"\.block2_lastconv\.1\.", ".separables.2."),
    (r"\.skip\.", ".shortcut.conv."),
    (r"\.skipbn\.", ".shortcut.norm."),
    (r"^aspp1\.atrous_convolution\.", "deeplab.aspp.branches.0.conv."),
    (r"^aspp1\.bn\.", "deeplab.aspp.branches.0.norm."),
    *((rf"^aspp{n}\.atrous_convolution\.", f"deeplab.aspp.branches.{n - 1}.") for n in (2, 3, 4)),
    (r"^global_avg_pool\.1\.", "deeplab.aspp.pool.conv."),
    (r"^global_avg_pool\.2\.", "deeplab.aspp.pool.norm."),
    (r"^concat_projection_(conv|bn)1\.", r"deeplab.aspp.project.\1."),
    (r"^feature_projection_(conv|bn)1\.", r"deeplab.low_level.\1."),
    (r"^decoder\.([01])\.atrous_convolution\.", r"deeplab.decoder.\1."),
    (r"\.(depth|point)wise_bn\.", r".\1wise_norm."),
    (r"\.bn\.", ".norm."),
    (r"^semantic\.", "main_heads.{dataset}."),
    (r"^semantic_aux_(\w+)\.", r"main_heads.\1."),
    (r"^gcn_network\.sem\.", "main_heads.{dataset}."),
    (r"^gcn_network\.sem_(\w+)\.", r"main_heads.\1."),
    (r"^sem2\.", "refined_heads.{dataset}."),
    (r"^sem2_(\w+)\.", r"refined_heads.\1."),
    (r"^gcn_network\.gcn_block_feature1\.", "pyramid.reasoning.human."),
    (r"^gcn_network\.gcn_block_feature2\.", "pyramid.reasoning.category."),
    (r"^gcn_network\.gcn_block_feature3\.", "pyramid.reasoning.part-{dataset}."),
    (r"^gcn_network\.gcn_block_feature_(\w+)\.", r"pyramid.reasoning.part-\1."),
    (r"\.graph_transfer\.", ".enter."),
    (r"\.graph_transfer_back\.", ".leave."),
    *((rf"\.attn{n}\.(query|key|value)_conv\.", rf".rounds.{n - 1}.\1.") for n in (1, 2, 3)),
    *((rf"^(pyramid\..*)\.bn{n}\.", rf"\1.norms.{n - 1}.") for n in (1, 2, 3)),
    (r"^gcn_network\.transform_lv1\.", "pyramid.transforms.human."),
    (r"^gcn_network\.transform_lv2\.", "pyramid.transforms.category."),
    (r"^gcn_network\.transform_lv3\.", "pyramid.transforms.part."),
    (r"^gcn_network\.fusion\.", "pyramid.fusion."),
)  # fmt: skip

STEM = "deeplab.backbone.stem.0.conv.weight"
COUNTER = ".num_batches_tracked"
PAPER = NetworkNumbers()


class Kind(NamedTuple):
    """One of the reference's networks."""

    name: str
    sign: str
    """Prefix of names that only this kind (and kinds above it in the table) has."""
    head: str = ""
    """Tensor whose size is the number of parts of its label set; empty for the three together."""
    unused: str = "(?!)"
    """Prefixes of names that its forward pass never uses."""


KINDS = (
    Kind("mutual", r"gcn_network\.sem_", unused=r"(semantic_aux_\w+|transform)\."),
    Kind("grapynet", r"gcn_network\.", "gcn_network.sem.weight", r"(semantic|transform)\."),
    Kind("multi-set", r"semantic_aux_"),
    Kind("deeplab", r"xception_features\.", "semantic.weight"),
)


class LegacyNetwork(NamedTuple):
    """A checkpoint of the reference with our names."""

    kind: str
    numbers: NetworkNumbers
    label_sets: list[LabelSet]
    """Empty for a DeepLab with unknown parts: training can start from it."""
    tensors: dict[str, Tensor]
    unused: list[str]
    """The reference's names of the tensors that were left out."""


def import_legacy(
    path: Path, out: Path, *, grapy: str, numbers: NetworkNumbers = PAPER
) -> LegacyNetwork:
    """Convert a checkpoint of the reference to a weights file, and return what it held.

    Nothing in the checkpoint is executed.

    Args:
        path: A `.pth` file: tensors by name, bare or under "state_dict".
        numbers: Size of the network; the reference builds only the paper's.

    Raises:
        WeightsError: If the file cannot be read, or is not a network of the reference.
    """
    state = read_checkpoint(path)
    with said_of(str(path)):
        legacy = rename_legacy(state, numbers)
    with torch.device("meta"):
        card = card_of(
            build_network(legacy.numbers, legacy.label_sets),
            name=out.stem,
            grapy=grapy,
            stage="imported",
            licence="that of the imported file",
            provenance=f"imported from {path.name} (a {legacy.kind} network of the reference), "
            f"sha256 {file_digest(path)}",
            limits="" if legacy.label_sets else "Has no heads: only a training can start from it.",
        )
    save_weights(out, legacy.tensors, card)
    return legacy


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint, at the top level or in a table; nothing is executed.

    Raises:
        WeightsError: If the file is missing, damaged, or holds more than tensors.
    """
    try:
        _refuse_packed(path)
        with warnings.catch_warnings():  # of pickles that torch did not write
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise WeightsError(f"the checkpoint {path} does not exist") from error
    except Exception as error:  # a damaged file fails wherever the unpickler stumbles over it
        reason = download_mistake(path) or _reason(error)
        raise WeightsError(
            f"{path} cannot be read as a checkpoint of tensors: {reason}",
            hint="It is damaged (download it again), or it holds code, which is never run.",
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) and value.layout == torch.strided
        for key, value in content.items()
    ):
        raise WeightsError(
            f"{path} holds no table of tensors by name",
            hint="A state dict is wanted, as torch.save(network.state_dict(), ...) writes.",
        )
    return {key.removeprefix("module."): value for key, value in content.items()}


def _refuse_packed(path: Path) -> None:
    """Make sure that a checkpoint is not compressed: torch compresses nothing."""
    if path.exists() and not path.is_file():
        raise ValueError("it is not a plain file")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ValueError("its tensors are packed, as torch packs none")


def _reason(error: Exception) -> str:
    """Describe the error in one line, without torch's advice to run the code."""
    if found := re.search(r"\bGLOBAL ([\w.]+)", str(error)):
        return f"it calls {found[1]}"
    if isinstance(error, pickle.UnpicklingError):
        return "it is not a pickle of tensors"
    return first_line(error) or type(error).__name__


def rename_legacy(state: Mapping[str, Tensor], numbers: NetworkNumbers = PAPER) -> LegacyNetwork:
    """Give the reference's tensors our names, shapes and channel order.

    Args:
        numbers: Size of the network; the names show whether it has a pyramid.

    Raises:
        WeightsError: If tensors are missing, unknown or have another shape.
    """
    kind = _kind_of(state)
    label_sets = _label_sets_of(state, kind)
    pyramid = PyramidNumbers() if kind.name in ("grapynet", "mutual") else None
    numbers = replace(numbers, pyramid=pyramid)
    # A DeepLab for other parts keeps everything but its head.
    unused = kind.unused if label_sets else r"semantic\."
    left_out = [name for name in state if re.match(unused, name)]
    dataset = label_sets[0].name if len(label_sets) == 1 else ""
    names = {name: rename(name, dataset) for name in state if name not in set(left_out)}
    with torch.device("meta"):
        expected = build_network(numbers, label_sets).state_dict()
    tensors = _fit({new: state[old] for old, new in names.items()}, expected)
    faults = [f"{old} is unknown" for old, new in names.items() if new not in expected]
    faults += misfits(tensors, expected)
    if len(set(names.values())) < len(names):
        faults.append("two tensors stand for the same one")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise WeightsError(f"no {kind.name} of the reference: {'; '.join(faults[:3])}{more}")
    return LegacyNetwork(kind.name, numbers, label_sets, _finish(tensors, expected), left_out)


def rename(name: str, dataset: str) -> str:
    """Return our name for a name of the reference; a single head is for `dataset`."""
    for pattern, ours in RENAMES:
        name = re.sub(pattern, ours, name)
    return name.replace("{dataset}", dataset)


def _kind_of(state: Mapping[str, Tensor]) -> Kind:
    for kind in KINDS:
        if any(re.match(kind.sign, name) for name in state):
            return kind
    raise WeightsError(
        "no network of the reference: no name begins with xception_features",
        hint="Weights files of grapy need no import; other networks cannot be imported.",
    )


def _label_sets_of(state: Mapping[str, Tensor], kind: Kind) -> list[LabelSet]:
    """Find the shipped label sets of the heads by their number of parts."""
    if not kind.head:
        return list(PAPER_SETS)
    num_parts = state[kind.head].shape[0] if kind.head in state and state[kind.head].dim() else 0
    found = [labels for labels in PAPER_SETS if labels.num_parts == num_parts]
    if not found and kind.name != "deeplab":
        known = ", ".join(f"{labels.num_parts} ({labels.name})" for labels in PAPER_SETS)
        raise WeightsError(
            f"no {kind.name} of the reference: its heads have {num_parts} parts instead of {known}"
        )
    return found


def _fit(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the 1x1 axes of convolutions that are linear layers here; add absent counters."""
    counters = {
        name: torch.zeros((), dtype=torch.long) for name in expected if name.endswith(COUNTER)
    }
    fitted = {
        name: tensor.flatten(1) if _is_linear_here(tensor, expected.get(name)) else tensor
        for name, tensor in tensors.items()
    }
    return counters | fitted


def _is_linear_here(tensor: Tensor, expected: Tensor | None) -> bool:
    return expected is not None and expected.dim() == 2 and set(tensor.shape[2:]) == {1}


def _finish(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy the tensors in our order and precision, with the stem changed from BGR to RGB."""
    finished = {name: tensors[name].to(value.dtype, copy=True) for name, value in expected.items()}
    finished[STEM] = finished[STEM].flip(1)
    return finished
