"""The parser: a network with everything around it that turns a photo into a parsing."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from grapy_cli.errors import DatasetError, DeviceError, PhotoError, SettingsError
from grapy_cli.image_io.arrays import read_array
from grapy_cli.image_io.photos import ReadPhoto, read_shrunk
from grapy_cli.inference.cuda_graph_network import CudaGraphNetwork
from grapy_cli.inference.engines.network import ExportedNetwork, load_exported
from grapy_cli.inference.engines.transformers_folder import load_transformers
from grapy_cli.inference.fold import (
    DTYPES,
    Precision,
    encode_in_bf16,
    fold_for_inference,
)
from grapy_cli.inference.parsing import Parsing, Photo, PhotoResult
from grapy_cli.inference.photo_fit import PhotoFit
from grapy_cli.inference.published_network import PublishedNetwork
from grapy_cli.inference.stream import (
    ParsedPhoto,
    ParseRequest,
    PhotoStream,
    Request,
    threads_for,
)
from grapy_cli.inference.tiles import TileLimit
from grapy_cli.inference.tta import (
    TTA,
    Augmentation,
    Network,
    base_size,
    parse_together,
    version_logits,
)
from grapy_cli.labels import LabelSet
from grapy_cli.model.exported.metadata import is_exported
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.published import is_published
from grapy_cli.model.weights import WeightsCard, check_known, load_weights, resolve_weights
from grapy_cli.runtime.device import is_out_of_memory, pick_device, release_memory
from grapy_cli.runtime.profiler import span

DEFAULT_TILE = 2048


@dataclass(frozen=True, repr=False)
class HumanParser:
    """Parses photos of any size by any label set its weights know; threads may share it."""

    network: Network
    card: WeightsCard | None
    device: torch.device
    augmentation: Augmentation
    longest_side: int | None
    """Pixels the longest side is resized to for the network; None or 0 for photos as they are."""
    tiles: TileLimit = field(default_factory=TileLimit)
    """When a photo goes through the network in tiles."""
    max_side: int = 0
    """Longest side of what is read of a photo, pixels; 0 reads all of it."""
    reduced_jpeg: bool = False
    """Whether a JPEG file is decoded at 1/2, 1/4 or 1/8 of its size, where that is still twice what
    the network takes. Masks keep the photo's size, and differ a little."""

    def __post_init__(self) -> None:
        if self._fit is not None and self.augmentation.scales != (1.0,):
            raise SettingsError(
                "networks that others trained take photos in one size, so there are no other "
                "scales to parse them in",
                hint="--tta none, or --tta flip.",
            )

    @classmethod
    def load(
        cls,
        weights: str | Path | None = None,
        *,
        device: str = "auto",
        tta: str = "none",
        longest_side: int | None = None,
        tile: int = DEFAULT_TILE,
        max_side: int = 0,
        precision: Precision = "fp32",
        folded: bool = True,
        labels: Path | None = None,
        reduced_jpeg: bool = False,
    ) -> "HumanParser":
        """Load weights, by default those embedded in the package.

        Args:
            weights: A weights file, a run folder, the name of embedded weights, a file for
                another engine that `grapy export` or `grapy weights adopt` wrote, the folder of a
                published network, or its name on the Hub, `hf:OWNER/NAME[@REVISION]`.
            device: auto, cpu, cuda, cuda:N or mps.
            tta: none, flip or paper.
            longest_side: See the class; unset takes what the weights were made for.
            tile: Photos that are larger than this for the network, pixels, go through it in
                overlapping tiles; 0 never. Where memory is short, that happens by itself.
            max_side: See the class.
            precision: Of the features; bf16 is faster on many CPUs and GPUs, and changes some
                pixels at the borders of parts. A file for another engine may have its own.
            folded: Use the form for inference, which gives the same results in less time, on CUDA
                by CUDA graphs; without it the network stays as it is trained.
            labels: Label file for a published network whose labels are not understood.
            reduced_jpeg: See the class.

        Raises:
            WeightsError: If the weights cannot be read.
            SettingsError: If a value is not among those above, the weights need a library that
                is not installed, or take photos in one size and another is wanted.
            DeviceError: If there is no such device.
        """
        _check_choice("tta", tta, TTA)
        _check_choice("precision", precision, DTYPES)
        _check_numbers(longest_side=longest_side, tile=tile, max_side=max_side)
        path = resolve_weights(Path(weights) if weights else None)
        chosen = device_for(path, device)
        network: Network
        if is_published(path):
            network, card = load_transformers(path, chosen, precision, labels)
        elif is_exported(path):
            network, card = load_exported(path, chosen, precision)
        else:
            plain, card = _load(path, chosen, precision, folded=folded)
            uses_cuda_graphs = folded and chosen.type == "cuda"
            network = CudaGraphNetwork(plain) if uses_cuda_graphs else plain
        if longest_side and isinstance(network, PublishedNetwork):
            raise SettingsError(
                f"{card.name} takes photos in one size", hint="Leave --longest-side out."
            )
        side = card.longest_side if longest_side is None else longest_side
        return cls(network, card, chosen, TTA[tta], side, TileLimit(tile), max_side, reduced_jpeg)

    def __repr__(self) -> str:
        """Say in one line what parses, and where."""
        name = f"{self.card.name}, " if self.card else ""
        return f"HumanParser({name}{'+'.join(self.datasets)}, {self.precision} on {self.device})"

    @property
    def engine(self) -> str:
        """What does the arithmetic: torch, or another library with its version."""
        if isinstance(self.network, ExportedNetwork | PublishedNetwork):
            return self.network.engine
        return "torch"

    @property
    def precision(self) -> str:
        """In which the features are computed: fp32, bf16, or int8."""
        if isinstance(self.network, ExportedNetwork | PublishedNetwork):
            return self.network.precision
        names = {dtype: name for name, dtype in DTYPES.items()}
        dtype = next(self.network.parameters()).dtype
        return names.get(dtype, str(dtype).removeprefix("torch."))

    @property
    def cpu_workers(self) -> int:
        """How many photos are parsed side by side: one per CPU thread that torch may use.

        GPUs divide the work on one photo by themselves.
        """
        return torch.get_num_threads() if self.device.type == "cpu" else 1

    @property
    def is_on_gpu(self) -> bool:
        """Whether threads that parse mostly wait for a GPU."""
        return self.device.type == "cuda"

    @property
    def datasets(self) -> tuple[str, ...]:
        """The label sets the weights know."""
        return tuple(self.network.label_sets)

    @property
    def own_label_sets(self) -> Mapping[str, LabelSet]:
        """By name, the label sets of the network's outputs, none that they translate to."""
        if isinstance(self.network, PublishedNetwork):
            return {self.network.own.name: self.network.own}
        return self.network.label_sets

    def parse(self, photo: Photo, dataset: str | None = None) -> Parsing:
        """Parse a photo by one label set; it may be left out where the weights know only one.

        Raises:
            PhotoError: If the photo cannot be read.
            DatasetError: If the weights do not know the label set.
        """
        if dataset is None:
            own = list(self.own_label_sets)
            if len(own) != 1:
                raise DatasetError(f"say which label set: {', '.join(own) or '(none)'}")
            dataset = own[0]
        return self.parse_all(photo, [dataset])[dataset]

    def parse_all(self, photo: Photo | ReadPhoto, datasets: Sequence[str]) -> dict[str, Parsing]:
        """Parse a photo by several label sets with one pass of backbone and decoder.

        Raises:
            PhotoError: If the photo cannot be read.
            DatasetError: If the weights do not know a label set.
            DeviceError: If the device does not have enough memory, however small the tiles.
        """
        self.check_datasets(datasets)
        reading = photo if isinstance(photo, ReadPhoto) else self.read(photo)
        tile = self.tiles.side
        while True:
            try:
                return self._parse([reading], datasets, tile)[0]
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if isinstance(self.network, CudaGraphNetwork) and self.network.forget():
                    release_memory(self.device)
                    continue
                tile = self.tiles.shrink(tile, self._largest_side(reading))
                if not tile:
                    height, width = self.size_of(reading)
                    raise DeviceError(
                        f"{self.device} does not have enough memory for a photo of "
                        f"{width}x{height} pixels, whole or in tiles",
                        hint="Use a smaller --longest-side, or --device cpu.",
                    ) from error
            release_memory(self.device)

    def parse_together(
        self, readings: Sequence[ReadPhoto], datasets: Sequence[str]
    ) -> list[dict[str, Parsing]]:
        """Parse photos that have the same `size_of` at once, which suits GPUs.

        One by one where they are parsed in tiles, or memory does not suffice for all.

        Raises:
            DatasetError: If the weights do not know a label set.
            DeviceError: If the device does not have enough memory for one of them.
        """
        self.check_datasets(datasets)
        tile = self.tiles.side
        if len(readings) > 1 and not 0 < tile < self._largest_side(readings[0]):
            try:
                return self._parse(readings, datasets, tile)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            release_memory(self.device)
        return [self.parse_all(reading, datasets) for reading in readings]

    def size_of(self, reading: ReadPhoto) -> tuple[int, int]:
        """Height and width, pixels, in which the network sees a photo at scale 1."""
        return self._base_size(*reading.pixels.shape[:2])

    def _base_size(self, height: int, width: int) -> tuple[int, int]:
        if self._fit is not None:
            return self._fit.size((height, width))
        return base_size(height, width, self.longest_side, grid=max(1, self.grid))

    def _largest_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the largest version of a photo that the network takes."""
        scale = max(self.augmentation.scales)
        rows, columns = self._base_size(height, width)
        return math.ceil(rows * scale), math.ceil(columns * scale)

    def _largest_side(self, reading: ReadPhoto) -> int:
        return round(max(self.size_of(reading)) * max(self.augmentation.scales))

    @property
    def grid(self) -> int:
        """See `parse_together`: photos that are resized are brought onto a grid; 0 for others."""
        return self.network.numbers.output_stride if self.longest_side else 0

    @property
    def _fit(self) -> PhotoFit | None:
        """The rule of a network that chooses the size of its photos."""
        return self.network.fit if isinstance(self.network, PublishedNetwork) else None

    def _parse(
        self, readings: Sequence[ReadPhoto], datasets: Sequence[str], tile: int
    ) -> list[dict[str, Parsing]]:
        network, fit, augmentation = self.network, self._fit, self.augmentation
        datasets = list(dict.fromkeys(datasets))  # logits of one that comes twice would be added up
        photos = [reading.pixels for reading in readings]
        if fit is not None:
            pictures = [fit.picture(photo) for photo in photos]
            logits = version_logits(network, pictures, datasets, mirror=augmentation.mirror)
        else:
            size = self.size_of(readings[0])
            logits = parse_together(
                network, photos, datasets, augmentation, size=size, grid=self.grid, tile=tile
            )

        def parsing_of(reading: ReadPhoto, own: Float[Tensor, "p u v"], name: str) -> Parsing:
            height, width = own.shape[1:]
            frame = None if fit is None else fit.frame(reading.size, (height, width))
            labels = network.label_sets[name]
            return Parsing.of(reading.pixels, own, labels, reading.size, frame)

        return [
            {name: parsing_of(reading, logits[name][place], name) for name in datasets}
            for place, reading in enumerate(readings)
        ]

    def parse_many(self, photos: Iterable[Photo], datasets: Sequence[str]) -> Iterator[PhotoResult]:
        """Parse photos in order, and read the next ones meanwhile.

        Each result holds its photo and either the parsings or the error of a photo that cannot be
        read. A few photos are held at a time, so there may be any number.

        Raises:
            PhotoError: If `photos` is one photo.
            DatasetError: If the weights do not know a label set.
            DeviceError: If the device does not have enough memory.
        """
        _check_several(photos)
        self.check_datasets(datasets)

        def request(photo: Photo) -> Request[PhotoResult]:
            return ParseRequest(self, photo, datasets, partial(_result_of, photo))

        return PhotoStream(request, threads_for(self)).run(photos)

    @span("reading")
    def read(self, photo: Photo) -> ReadPhoto:
        """Read a photo as the network gets it.

        Raises:
            PhotoError: If it cannot be read.
        """
        if isinstance(photo, np.ndarray):
            pixels = read_array(photo)
            return ReadPhoto(pixels, pixels.shape[:2])
        if not isinstance(photo, str | Path | bytes | Image.Image):
            raise PhotoError(
                f"a {type(photo).__name__} is not a photo",
                hint="Pass a path, the bytes of a file, a PIL image or a NumPy array.",
            )
        return read_shrunk(photo, self.max_side, self._largest_size if self.reduced_jpeg else None)

    def check_datasets(self, datasets: Sequence[str]) -> None:
        """Check that the weights know all of the label sets.

        Raises:
            DatasetError: If they do not.
        """
        if isinstance(datasets, str):
            raise DatasetError(f"label sets come as a list: [{datasets!r}]")
        check_known(datasets, self.datasets)


def _result_of(photo: Photo, found: ParsedPhoto | PhotoError) -> PhotoResult:
    if isinstance(found, PhotoError):
        return PhotoResult(photo, error=found)
    return PhotoResult(photo, dict(found.parsings))


def _check_several(photos: object) -> None:
    is_one = isinstance(photos, str | Path | bytes | Image.Image)
    if is_one or (isinstance(photos, np.ndarray) and photos.ndim < 4):
        raise PhotoError("parse_many takes several photos, and this is one", hint="Pass a list.")


def _check_numbers(**numbers: int | None) -> None:
    for name, value in numbers.items():
        if value is not None and value < 0:
            raise SettingsError(f"{name} must be 0 or more, not {value}")


def _check_choice(name: str, value: str, choices: Collection[str]) -> None:
    if value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {value!r}")


def device_for(weights: Path | None, name: str, local_rank: int = 0) -> torch.device:
    """Pick a device as `pick_device` does; files for other engines run on the CPU unless told so.

    Raises:
        DeviceError: If there is no such device.
    """
    is_for_cpu = name == "auto" and weights is not None and is_exported(weights)
    return pick_device("cpu" if is_for_cpu else name, local_rank)


def _load(
    path: Path, device: torch.device, precision: Precision, *, folded: bool
) -> tuple[GrapyNet, WeightsCard]:
    network, card = load_weights(path)
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if folded:
        fold_for_inference(network)
    if precision == "bf16":
        encode_in_bf16(network)
    return network, card
