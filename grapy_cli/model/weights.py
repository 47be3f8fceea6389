"""Weights files: one safetensors file with everything needed to use it."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from grapy_cli.atomic import file_digest, replacing
from grapy_cli.errors import DatasetError, WeightsError
from grapy_cli.labels import LABEL_SETS, LabelSet
from grapy_cli.labels.published_labels import Translations, translations_of
from grapy_cli.model.card import DataRow, Measurement, PhotoInput, RecipeRow
from grapy_cli.model.exported.metadata import is_exported, read_metadata
from grapy_cli.model.grapy import GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.hub import HubName, download, origin_of
from grapy_cli.model.published import describe, folder_digest, folder_files, is_published
from grapy_cli.model.pyramid import PyramidNumbers
from grapy_cli.safe_text import download_mistake

FORMAT = 2
"""Format 2 adds the tables and the protocol to format 1."""
NEWEST_FORMAT = 3
"""3 adds networks that others trained: `network` and `input`. Other cards stay at 2."""
CARD_KEY = "grapy"
EMBEDDED_FOLDER = Path(__file__).parent.parent / "pretrained"
DEFAULT_EMBEDDED = "grapy-lite"
DTYPES: Mapping[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Data types of networks and training states, by their name in safetensors."""


_NUMBERS = TypeAdapter(NetworkNumbers)
MOST: Mapping[str, int] = {
    "output_stride": 32,
    "width": 16,
    "features": 8192,
    "low_level": 8192,
    "rounds": 64,
    "rates": 288,
}
"""Largest numbers of a network: beyond any real one, but still quick to build."""
LARGEST_HEADER = 1 << 24
"""Most bytes of the weights card and the table of tensors; large networks need a tenth of that."""


def _checked_score(score: dict[str, Any]) -> dict[str, Any]:
    """Make sure that a score has the values that cards show."""
    lacking = {"dataset", "level", "split", "photos"} - set(score)
    if lacking:
        raise ValueError(f"a score has no {sorted(lacking)[0]}")
    for name in ("mean_iou", "mean_accuracy", "pixel_accuracy"):
        value = score.get(name)
        if not (value is None or (isinstance(value, int | float) and 0 <= value <= 1)):
            raise ValueError(f"{name} is not between 0 and 1")
    if not isinstance(score.get("protocol", {}), Mapping | str):
        raise ValueError("the protocol of a score is neither a table nor a name")
    return score


class WeightsCard(BaseModel):
    """The description in a weights file: how to build its network, and its origin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    """Version of this card."""
    name: str
    """Name of these weights."""
    grapy: str
    """Version of grapy that wrote the file."""
    numbers: dict[str, Any]
    """Arguments of `NetworkNumbers`."""
    label_sets: list[dict[str, Any]]
    """The table of each label set."""
    stage: str
    """pretrain, joint, finetune, or imported."""
    longest_side: int | None = None
    """Longest side of the photos the weights expect, pixels; None for photos as they are."""
    step: int = 0
    """Optimizer updates in the last stage."""
    scores: list[Annotated[dict[str, Any], AfterValidator(_checked_score)]] = []
    """The results of `grapy eval`, for each data set and level."""
    protocol: dict[str, Any] = {}
    """How the scores were measured; in format 1, each score has its own."""
    also_measured: list[Measurement] = []
    """Other measurements, mainly on photos unlike the training photos."""
    trained_on: str = ""
    """The training data, in a sentence for people."""
    data: list[DataRow] = []
    """The data sets that were used, and their terms."""
    training_photos: dict[str, dict[str, int]] = {}
    """Number of training photos that show a part, by data set and part."""
    recipe: list[RecipeRow] = []
    """The training runs, in order."""
    licence: str = ""
    """Terms of the weights."""
    provenance: str = ""
    """The origin of the weights: recipe, start, duration."""
    limits: str = ""
    """Known limits of the weights, in plain words."""
    network: str = ""
    """The architecture of a network that others trained; empty for grapy's own."""
    input: PhotoInput | None = None
    """What such a network takes, where the file itself does not say."""

    def network_numbers(self) -> NetworkNumbers:
        """Return the numbers in the form that the network takes.

        Raises:
            TypeError, ValueError: If no network can be built from them.
        """
        pyramid = self.numbers.get("pyramid")
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in self.numbers.items()
            if key != "pyramid"
        }
        # EfficientNet dilated one block more before this number was in cards.
        is_exact = not str(plain.get("backbone")).startswith("efficientnet")
        plain.setdefault("exact_dilation", is_exact)
        numbers = NetworkNumbers(**plain, pyramid=PyramidNumbers(**pyramid) if pyramid else None)
        checked = _NUMBERS.validate_python(asdict(numbers))
        rounds = checked.pyramid.rounds if checked.pyramid else 0
        rate = max(checked.rates or (0,))
        for name, value in {**plain, "rounds": rounds, "rates": rate}.items():
            if type(value) in (int, float) and not 0 <= value <= MOST[name]:
                raise ValueError(f"{name} is {value}, and no network has more than {MOST[name]}")
        return checked

    def load_label_sets(self) -> list[LabelSet]:
        """Return the label sets of the heads, checked against the shipped ones.

        Raises:
            WeightsError: If one is damaged, or a shipped one has changed since training.
        """
        try:
            label_sets = [LabelSet.from_dict(table) for table in self.label_sets]
        except (DatasetError, AttributeError) as error:
            raise WeightsError(f"the card of {self.name!r} is damaged: {error}") from error
        for labels in label_sets:
            shipped = LABEL_SETS.get(labels.name)
            if shipped is not None and shipped.digest != labels.digest:
                raise WeightsError(
                    f"the weights {self.name!r} were made for another {labels.name!r}: its parts "
                    f"had digest {labels.digest}, now they have {shipped.digest}"
                )
        return label_sets

    def readable_label_sets(self) -> dict[str, LabelSet]:
        """By name, the weights' own label sets, and those that their labels translate to.

        Raises:
            WeightsError: As `load_label_sets`.
        """
        own = {labels.name: labels for labels in self.load_label_sets()}
        return own | {name: LABEL_SETS[name] for name in self.load_translations()}

    def load_translations(self) -> Translations:
        """By label set, what the labels of a network that others trained are in it.

        Raises:
            WeightsError: If a label set of the card is damaged.
        """
        if not self.network:
            return {}
        [own] = self.load_label_sets()
        return translations_of(own)


def card_of(network: GrapyNet, *, name: str, grapy: str, stage: str, **facts: Any) -> WeightsCard:  # noqa: ANN401 - fields of the card
    """Build the card of a network: its numbers, its label sets and other facts."""
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
    """Write a weights file in one step.

    Args:
        half: Store as float16: half the size, loaded as float32 again.

    Raises:
        WeightsError: If the file cannot be written; an earlier file stays.
    """
    stored = {
        key: (tensor.half() if half and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for key, tensor in tensors.items()
    }
    try:
        with replacing(path) as beside:
            # Not by safetensors, which creates files that only their owner may read.
            beside.write_bytes(save(stored, {CARD_KEY: card.model_dump_json()}))
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be written: {error}", hint="Free some space, or choose another path."
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file, after a check of its header size.

    Raises:
        WeightsError: If it is missing, damaged, or not a safetensors file.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is not a regular file")
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if header > LARGEST_HEADER:
            raise ValueError(f"its header would have {header >> 20} MiB")
        with safe_open(path, framework="pt") as opened:
            yield opened
    except FileNotFoundError as error:
        raise WeightsError(
            f"the weights {path} do not exist",
            hint="`grapy weights list` names those in the package.",
        ) from error
    except (SafetensorError, OSError, ValueError, AttributeError, KeyError) as error:
        mistake = download_mistake(path)
        raise WeightsError(
            f"{path} is not a safetensors file: {mistake or error}",
            hint=""
            if mistake
            else f"`grapy weights import {path}` converts a .pth file of the reference.",
        ) from error


def read_card(path: Path, labels: Path | None = None) -> WeightsCard:
    """Read the card of weights, without their tensors.

    Args:
        path: A weights file, a file that `grapy export` or `grapy weights adopt` wrote, or the
            folder of a published network.
        labels: Label file for a published network whose labels are not understood.

    Raises:
        WeightsError: If it is missing, damaged, or none of these.
        DatasetError: If the label file cannot be used.
    """
    if is_published(path):
        return WeightsCard(format=NEWEST_FORMAT, **describe(path, labels))
    metadata = read_metadata(path) if is_exported(path) else _metadata(path)
    if CARD_KEY not in metadata:
        raise WeightsError(
            f"{path} is without grapy's card",
            hint="Only files that grapy wrote can be used; see `grapy weights import` for the "
            "reference's checkpoints, `grapy export` for other engines.",
        )
    try:
        plain = json.loads(metadata[CARD_KEY])
        # Looked at first: a newer card may have fields that are unknown here.
        if plain.get("format", 1) > NEWEST_FORMAT:
            raise WeightsError(
                f"{path} has card format {plain['format']}, this grapy reads up to {NEWEST_FORMAT}",
                hint="Install a newer grapy.",
            )
        card = WeightsCard.model_validate(plain)
        card.network_numbers()
    except WeightsError:
        raise
    except (ValidationError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WeightsError(f"the card of {path} cannot be read: {error}") from error
    return card


def _metadata(path: Path) -> dict[str, str]:
    with _opened(path) as file:
        return file.metadata() or {}


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a safetensors file, half precision as float32.

    Raises:
        WeightsError: If the file is missing or damaged.
    """
    if is_exported(path):
        raise WeightsError(
            f"{path} is for another engine: it can only parse",
            hint="Use the weights that it was exported from.",
        )
    if is_published(path):
        raise WeightsError(
            f"{path} is another network than grapy's: it can parse and teach, and nothing else",
            hint="To learn from it: --set train.self_training.teacher=WEIGHTS",
        )
    with _opened(path):  # checks the header
        return dict(_stored_tensors(path))


def _stored_tensors(path: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Read the tensors of a valid file, in the order of the file.

    Not by safetensors, which maps the file: its tensors have odd addresses, where kernels round
    differently (a resumed training would differ in the last bit), and copies of them would take
    twice the memory.
    """
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        header.pop("__metadata__", None)
        begin = file.tell()
        for key, facts in sorted(header.items(), key=lambda one: one[1]["data_offsets"]):
            if facts["dtype"] not in DTYPES:
                raise ValueError(f"{key} has the type {facts['dtype']}, which no network has")
            stored = torch.empty(facts["shape"], dtype=DTYPES[facts["dtype"]], device="cpu")
            file.seek(begin + facts["data_offsets"][0])
            if stored.numel():
                file.readinto(stored.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
            is_half = stored.dtype in (torch.float16, torch.bfloat16)
            yield key, stored.float() if is_half else stored


def misfits(tensors: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> list[str]:
    """Return a sentence for each tensor that is missing or has another shape."""
    faults = []
    for key, value in expected.items():
        if key not in tensors:
            faults.append(f"{key} is missing")
        elif tensors[key].shape != value.shape:
            faults.append(f"{key} is {tuple(tensors[key].shape)} instead of {tuple(value.shape)}")
    return faults


def load_weights(path: Path | str) -> tuple[GrapyNet, WeightsCard]:
    """Build the network of a weights file in evaluation mode, with its weights.

    Raises:
        WeightsError: If the file cannot be read, or does not match its card.
    """
    path = Path(path)
    card = read_card(path)
    # On the meta device nothing is initialized, because all of it is overwritten. (Buffers that are
    # not in files are made on the CPU explicitly.)
    with torch.device("meta"):
        network = build_network(card.network_numbers(), card.load_label_sets())
    tensors = read_tensors(path)
    expected = network.state_dict()
    faults = misfits(tensors, expected)
    faults += [f"{key} is unknown" for key in tensors if key not in expected]
    faults += [
        f"{key} is {tensors[key].dtype} instead of {value.dtype}"
        for key, value in expected.items()
        if key in tensors and tensors[key].dtype != value.dtype
    ]
    if faults:
        raise WeightsError(
            f"{path} does not hold the network of its card: {faults[0]}"
            + (f" (and {len(faults) - 1} more)" if len(faults) > 1 else "")
        )
    network.load_state_dict(tensors, assign=True)
    return network.eval(), card


def check_known(datasets: Iterable[str], known: Collection[str]) -> None:
    """Make sure that weights have certain label sets.

    Raises:
        DatasetError: If the weights lack one.
    """
    unknown = [name for name in datasets if name not in known]
    if unknown:
        raise DatasetError(
            f"the weights do not know the label set {unknown[0]!r}",
            hint=f"They know {', '.join(known) or 'none: they are for --init alone'}.",
        )


def embedded_weights() -> dict[str, Path]:
    """Return the weights files in the package, by name."""
    return {path.stem: path for path in sorted(EMBEDDED_FOLDER.glob("*.safetensors"))}


def weights_digest(path: Path) -> str:
    """Digest weights that were resolved: the bytes of a file, or those a folder is read from."""
    return folder_digest(path) if path.is_dir() else file_digest(path)


def weights_size(path: Path) -> int:
    """Size of weights that were resolved, bytes."""
    files = folder_files(path) if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)


def revision_of(path: Path, digest: str) -> str:
    """The commit of weights from the Hub, else the beginning of the digest of what was resolved."""
    origin = origin_of(path) if path.is_dir() else None
    return (origin and origin.revision) or digest[:12]


def resolve_weights(path: Path | None) -> Path:
    """Find the weights that are meant.

    A file; a run folder's best; the embedded ones; the folder of a published network; or one on the
    Hub, `hf:OWNER/NAME[@REVISION]`, which is downloaded where it is not in the cache.

    Raises:
        WeightsError: If there are none.
        SettingsError: If the Hub's library is not installed.
    """
    if path is not None and (hub_name := HubName.parse(path)):
        return download(hub_name)
    embedded = embedded_weights()
    if path is None or (str(path) in embedded and not path.exists()):
        name = DEFAULT_EMBEDDED if path is None else str(path)
        if name not in embedded:
            raise WeightsError(
                f"the package holds no weights {name!r}",
                hint="Name a weights file, or train one with `grapy train`.",
            )
        return embedded[name]
    if not path.is_dir():
        return path
    for checkpoint in (path / "best", path / "last", path):
        if (file := checkpoint / "weights.safetensors").is_file():
            return file
    if is_published(path):
        return path
    raise WeightsError(
        f"the folder {path} holds no weights",
        hint="A run folder has best/weights.safetensors once a checkpoint was saved; a published "
        "network has config.json and model.safetensors.",
    )
