"""A network in the file of another engine, used like one of torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from grapy_cli.errors import GrapyError, SettingsError, WeightsError, first_line, install_extra
from grapy_cli.inference.engines.adopted import adopted_network
from grapy_cli.inference.engines.onnx_runtime import open_onnx
from grapy_cli.inference.engines.open_vino import open_openvino
from grapy_cli.inference.engines.runner import Place, Runner, runner_by_threads
from grapy_cli.inference.published_network import PublishedNetwork
from grapy_cli.inference.tiles import at_stride
from grapy_cli.labels import LabelSet
from grapy_cli.model.exported.metadata import PRECISION_KEY, read_metadata
from grapy_cli.model.exported.openvino_file import check_numbers
from grapy_cli.model.grapy import NetworkNumbers, ParsingLogits
from grapy_cli.model.weights import WeightsCard, read_card

STRIDES = (8, 16, 32)
"""Possible output strides, in pixels of a photo."""


@dataclass(frozen=True)
class Engine:
    """A library that runs files of one kind."""

    package: str
    extra: str
    open: Callable[[Path, Place, str], Runner]
    precisions: tuple[str, ...]
    """Precisions besides fp32 in which it can run a file of fp32."""
    check: Callable[[Path, dict[str, str]], None] = lambda path, metadata: None


ENGINES: Mapping[str, Engine] = {
    ".onnx": Engine("onnxruntime", "onnx", open_onnx, ()),
    ".xml": Engine("openvino", "openvino", open_openvino, ("bf16",), check_numbers),
}


class ExportedNetwork:
    """Offers what parsing needs of `GrapyNet`, so it can take its place.

    Differs: it takes photos as bytes, because its file normalizes them. `encode` does all the work,
        so `features` are the logits of all label sets, one after the other.
    """

    def __init__(self, path: Path, card: WeightsCard, runner: Runner, precision: str) -> None:
        self.label_sets: dict[str, LabelSet] = {one.name: one for one in card.load_label_sets()}
        self.numbers: NetworkNumbers = card.network_numbers()
        self.engine = runner.engine
        self.precision = precision
        self._path = path
        self._run = runner.run
        self._parts = {name: labels.num_parts for name, labels in self.label_sets.items()}
        if self.numbers.output_stride not in STRIDES:
            raise WeightsError(f"the card of {path} has an impossible output stride")
        if list(runner.outputs) != list(self._parts):
            raise WeightsError(
                f"{path} has the outputs {', '.join(runner.outputs)}, but its card has "
                f"{', '.join(self._parts)}"
            )

    def encode(self, photos: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b all_parts h4 w4"]:
        """Compute the logits of all label sets, RGB in [0, 255].

        Raises:
            WeightsError: If the engine cannot run what the file holds.
            MemoryError: If there is not enough memory.
        """
        height, width = map(at_stride, photos.shape[2:])
        try:
            logits = self._run(np.ascontiguousarray(photos.numpy()))
        except Exception as error:  # each engine has its own error types
            if any(word in str(error).lower() for word in ("alloc", "memory")):
                raise MemoryError(f"out of memory: {error}") from error
            raise WeightsError(f"{self._path} cannot be run: {first_line(error)}") from error
        for parts, own in zip(self._parts.values(), logits, strict=True):
            if own.shape != (len(photos), parts, height, width):
                raise WeightsError(f"{self._path} returns logits of a wrong shape: {own.shape}")
        return torch.cat([torch.from_numpy(own) for own in logits], 1)

    def parse(self, features: Float[Tensor, "b all_parts h4 w4"], dataset: str) -> ParsingLogits:
        """Select the logits of one label set."""
        own = features.split(list(self._parts.values()), 1)[list(self._parts).index(dataset)]
        return ParsingLogits(None, own)


def load_exported(
    path: Path, device: torch.device, precision: str
) -> tuple[ExportedNetwork | PublishedNetwork, WeightsCard]:
    """Load a file that `grapy export` or `grapy weights adopt` wrote into the engine it is for.

    Args:
        path: Ends in .onnx or .xml.
        device: On which the engine computes; on a CPU with as many threads as torch would.
        precision: Of the arithmetic; int8 and bf16 files have their own.

    Raises:
        SettingsError: If the engine is not installed, or has no such precision.
        WeightsError: If the file is damaged or not one of grapy's.
        DeviceError: If the engine cannot use the device.
    """
    card = read_card(path)
    own = read_metadata(path).get(PRECISION_KEY, "fp32")
    precision = precision if own == "fp32" else own
    runner = open_file(path, device, precision)
    if card.network:
        return adopted_network(path, card, runner), card
    return ExportedNetwork(path, card, runner, precision), card


def open_file(path: Path, device: torch.device, precision: str) -> Runner:
    """Have the engine that a file is for load it.

    Raises:
        SettingsError, WeightsError, DeviceError: As `load_exported`.
    """
    engine, metadata = ENGINES[path.suffix.lower()], read_metadata(path)
    _check_engine(engine, path, precision, metadata.get(PRECISION_KEY, "fp32"))
    engine.check(path, metadata)
    cores = torch.get_num_threads()

    def load(threads: int) -> Runner:
        try:
            return engine.open(path, Place(device, threads, max(1, cores // threads)), precision)
        except GrapyError:
            raise
        except Exception as error:
            raise WeightsError(
                f"{engine.package} cannot load {path}: {first_line(error)}",
                hint="Write it anew: grapy export, or grapy weights adopt.",
            ) from error

    return runner_by_threads(load, cores)


def _check_engine(engine: Engine, path: Path, precision: str, own: str) -> None:
    if not find_spec(engine.package):
        raise SettingsError(
            f"{path} is run by {engine.package}, which is not installed",
            hint=install_extra(engine.extra),
        )
    if precision not in (own, "fp32", *engine.precisions):
        raise SettingsError(
            f"{engine.package} cannot run {path} in {precision}",
            hint="Leave --precision out, or see grapy export --precision.",
        )
