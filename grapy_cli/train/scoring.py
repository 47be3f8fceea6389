"""Score a run on val, and draw a sheet of parsings."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, DeviceError, PhotoError
from grapy_cli.evaluate.scoring import score_datasets
from grapy_cli.image_io.contact_sheet import Cell, contact_sheet
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.render import color_mask
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.parsing import Parsing
from grapy_cli.inference.stream import (
    OtherWork,
    ParsedPhoto,
    ParseRequest,
    PhotoStream,
    Request,
    threads_for,
)
from grapy_cli.inference.tta import Augmentation
from grapy_cli.labels import IGNORE, Level
from grapy_cli.metrics.scores import scores_of
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.runtime.world import World
from grapy_cli.train.checkpoints import Trained

SHOWN = 3
"""Photos of each data set on a sheet: the first of its val list, so that sheets can be compared."""


class Scorer:
    """Scores the weights on the val split of each data set that has one, with its own head.

    Args:
        trained: Whose weights; where a running average is kept, those.
        folder: Where sheets go.
        longest_side: Pixels photos are resized to; 0 leaves them as they are.
        world: Divides the photos; the main process draws.
    """

    def __init__(
        self,
        trained: Trained,
        datasets: Mapping[str, PreparedDataset],
        folder: RunFolder,
        device: torch.device,
        augmentation: Augmentation,
        longest_side: int,
        world: World,
    ) -> None:
        self.trained = trained
        self.datasets = {name: one for name, one in datasets.items() if "val" in one.splits}
        self.folder = folder
        self.parser = HumanParser(trained.network, None, device, augmentation, longest_side)
        self.world = world

    def __call__(
        self,
        epochs: int,
        interruptible: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> dict[str, float]:
        """Score after so many epochs: the mean IoU by data set, in [0, 1].

        Args:
            interruptible: A signal may end the work inside; the weights are then restored.
        """
        with self._weights(), interruptible():
            all_counts = score_datasets(self.parser, self.datasets, "val", world=self.world)
            if self.world.is_main and self.datasets:
                self._draw(epochs)
        return {
            name: scores_of(totals.counts, self.datasets[name].label_set.names).mean_iou or 0.0
            for name, totals in all_counts.items()
        }

    def try_out(self) -> int:
        """Parse the first val photo of each data set, and return their number.

        Raises:
            DeviceError: If the device does not have enough memory.
        """
        with self._weights():
            return sum(1 for name in self.datasets for _ in self._parsed(name, 1))

    @contextmanager
    def _weights(self) -> Iterator[None]:
        try:
            with self.trained.shown():
                yield
        except DeviceError as error:
            side = self.parser.longest_side
            smaller = round(0.7 * side) if side else 512
            raise DeviceError(
                f"while scoring: {error.message}",
                hint=f"--longest-side {smaller} takes {'about half' if side else 'less'}. "
                "Earlier checkpoints are complete.",
            ) from error

    def _draw(self, epochs: int) -> None:
        rows = [row for name in self.datasets for row in self._parsed(name, SHOWN)]
        with replacing(self.folder.sheet(epochs)) as beside:
            contact_sheet(rows).save(beside, "PNG")

    def _parsed(self, name: str, count: int) -> Iterator[list[Cell]]:
        """Give photo, truth and parsing of the first val photos that can be read."""
        dataset = self.datasets[name]

        def request(key: str) -> Request[list[Cell] | None]:
            try:
                truth, path = load_label_map(dataset.label_map(key)), dataset.photo(key)
            except DatasetError:
                return OtherWork(lambda: None)  # the scoring counts it as skipped

            def finish(found: ParsedPhoto | PhotoError) -> list[Cell] | None:
                if isinstance(found, PhotoError):
                    return None
                return _row(f"{name} {key}", found.parsings[name], truth)

            return ParseRequest(self.parser, path, [name], finish)

        stream = PhotoStream(request, threads_for(self.parser, spare_memory=True))
        rows = stream.run(dataset.keys("val")[:count])
        return (row for row in rows if row is not None)


def _row(title: str, parsing: Parsing, truth: UInt8[np.ndarray, "u v"]) -> list[Cell]:
    right = pixel_accuracy(parsing.label_map, truth)
    words = "nothing to compare" if right is None else f"{right:.1%} of pixels right"
    nodes = parsing.label_set.nodes(Level.PART)
    return [
        (Image.fromarray(parsing.photo), title),
        (color_mask(truth, nodes), "truth"),
        (color_mask(parsing.label_map, nodes), f"parsing, {words}"),
    ]


def pixel_accuracy(
    label_map: UInt8[np.ndarray, "h w"], truth: UInt8[np.ndarray, "u v"]
) -> float | None:
    """Return the share of labeled pixels that are right; None without any."""
    if label_map.shape != truth.shape or not (counted := truth != IGNORE).any():
        return None
    return float((label_map == truth)[counted].mean())
