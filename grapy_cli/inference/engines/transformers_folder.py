"""The transformers library runs the folder of a published network."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from grapy_cli.errors import SettingsError, WeightsError, first_line
from grapy_cli.inference.fold import DTYPES
from grapy_cli.inference.frame import Frame, Size, half_pixels
from grapy_cli.inference.photo_fit import Photo
from grapy_cli.inference.published_network import PublishedNetwork
from grapy_cli.model.hub import MISSING_EXTRA
from grapy_cli.model.weights import WeightsCard, read_card

_VALUES = ("do_rescale", "do_normalize", "do_flip_channel_order")
_SHAPE = ("do_resize", "do_center_crop", "do_pad")
"""Steps of a processor that change the values of a picture, and those that change its shape."""
_ARRAYS = {"return_tensors": "np", "input_data_format": "channels_last"}
"""Processors guess the order of axes otherwise, wrongly where a side has 1 or 3 pixels."""


class ProcessorFit:
    """The rule of a processor: its resizing first, its numbers on the result.

    Differs: it does not crop, since the mask is of the whole photo.
    """

    def __init__(self, processor: Any) -> None:  # noqa: ANN401 - one of many classes
        self._processor = processor
        self._values = {key: False for key in _VALUES if hasattr(processor, key)}
        self._shape = {key: False for key in _SHAPE if hasattr(processor, key)}
        if "do_center_crop" in self._shape:
            self._values["do_center_crop"] = False
        self.size = lru_cache(64)(self._size)

    def _size(self, photo: Size) -> Size:
        height, width, _ = self.picture(np.zeros((*photo, 3), np.uint8)).shape
        return height, width

    def picture(self, photo: Photo) -> Photo:
        """Resize a photo as the processor does."""
        made = self._processor(np.ascontiguousarray(photo), **_ARRAYS, **self._values)
        return np.ascontiguousarray(made["pixel_values"][0].transpose(1, 2, 0))

    def values(self, pictures: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Turn resized pictures, RGB, into what the network takes."""
        rows = list(pictures.numpy().transpose(0, 2, 3, 1))
        made = self._processor(rows, **_ARRAYS, **self._shape)
        return torch.from_numpy(made["pixel_values"])

    def frame(self, photo: Size, grid: Size) -> Frame:
        """As `post_process_semantic_segmentation` resizes logits."""
        return half_pixels(photo, grid)


def load_transformers(
    folder: Path, device: torch.device, precision: str, labels: Path | None = None
) -> tuple[PublishedNetwork, WeightsCard]:
    """Load the folder of a published network.

    Args:
        folder: With `config.json` and `model.safetensors`.
        precision: fp32 or bf16.
        labels: Label file, for a network whose labels are not understood.

    Raises:
        SettingsError: If the library is not installed.
        WeightsError: If the folder is damaged, or holds no network that parses.
    """
    card = read_card(folder, labels)
    if not find_spec("transformers"):
        raise SettingsError(
            f"{card.name} is run by transformers, which is not installed", hint=MISSING_EXTRA
        )
    with _quiet():
        import transformers

        network = _load_network(folder, card)
        processor = _load_processor(folder, card)
    dtype = DTYPES[precision]
    network = network.to(device, dtype).eval()
    fit = ProcessorFit(processor)

    def run(pictures: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b p u v"]:
        logits: Tensor = network(fit.values(pictures).to(device, dtype)).logits
        return logits.float()

    engine = f"transformers {transformers.__version__}"
    return PublishedNetwork(card, run, fit, engine=engine, precision=precision), card


def _load_network(folder: Path, card: WeightsCard) -> Any:  # noqa: ANN401 - as the library has it
    from transformers import AutoModelForSemanticSegmentation

    try:
        network, notes = AutoModelForSemanticSegmentation.from_pretrained(
            str(folder),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # the library has no error class for damaged files
        raise WeightsError(
            f"{card.name} is not a network that transformers can parse with: {first_line(error)}",
            hint="It reads networks of AutoModelForSemanticSegmentation: SegFormer, UPerNet, BEiT, "
            "DPT, ...",
        ) from error
    missing = sorted(map(str, notes["missing_keys"])) + sorted(map(str, notes["mismatched_keys"]))
    if missing:
        raise WeightsError(
            f"{card.name} lacks weights of its {card.network}: {missing[0]}"
            + (f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""),
            hint="A backbone alone parses nothing: name a network that was trained to segment.",
        )
    return network


def _load_processor(folder: Path, card: WeightsCard) -> Any:  # noqa: ANN401 - one of many classes
    from transformers import AutoImageProcessor

    try:
        return AutoImageProcessor.from_pretrained(
            str(folder), backend="pil", local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # as above
        raise WeightsError(
            f"the preprocessing of {card.name} cannot be read: {first_line(error)}",
            hint="A folder needs its preprocessor_config.json; some kinds need torchvision: "
            "pip install torchvision",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from talking: what is wrong comes as an exception."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
