"""Load batches ahead of time: worker processes make samples while the network trains."""

import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from grapy_cli.data.batches import RankBatches
from grapy_cli.data.dataset import Draw, ParsingDataset
from grapy_cli.data.sample import Batch, Sample
from grapy_cli.errors import DeviceError, GrapyError


def load_batches(
    dataset: ParsingDataset, batches: RankBatches, workers: int
) -> Generator[Batch, None, None]:
    """Load the rest of a run's batches, in order.

    Workers live as long as the iterator: they read ahead across epochs and during scoring. Closing
    or dropping the iterator ends them.

    Args:
        dataset: Dataset that makes the samples.
        batches: Draws of each batch.
        workers: Number of worker processes; 0 loads in this process.

    Raises:
        DatasetError: If a file is missing or broken.
        DeviceError: If a worker was killed; see `living_workers`.
    """
    loader = DataLoader(
        _Attempts(dataset),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_stack,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )
    try:
        for batch in loader:
            if isinstance(batch, GrapyError):
                raise batch
            yield batch
    except (ConnectionError, EOFError) as error:
        # Samples of a killed worker are lost. Torch raises as soon as it notices: better here than
        # during the caller's cleanup.
        time.sleep(1)
        raise _worker_killed(error) from error


@contextmanager
def living_workers() -> Iterator[None]:
    """Raise a clear error if a worker dies while the block runs.

    Torch raises at any point of this process, between two steps or during saving, without an error
    class for it.

    Raises:
        DeviceError: If a worker was killed.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise _worker_killed(error) from error


def _worker_killed(error: Exception) -> DeviceError:
    return DeviceError(
        f"a worker that loads photos was killed, probably for lack of memory: {error}",
        hint="Lower --workers, then continue from the last checkpoint with --resume.",
    )


class _Attempts(Dataset[Sample | GrapyError]):
    """Returns errors as values: an error raised in a worker would arrive wrapped in a traceback."""

    def __init__(self, dataset: ParsingDataset) -> None:
        self.dataset = dataset

    def __getitem__(self, draw: Draw) -> Sample | GrapyError:
        try:
            return self.dataset[draw]
        except GrapyError as error:
            return error


def _stack(samples: list[Sample | GrapyError]) -> Batch | GrapyError:
    errors = [sample for sample in samples if isinstance(sample, GrapyError)]
    return errors[0] if errors else Batch.of([s for s in samples if isinstance(s, Sample)])


def _start_worker(worker: int) -> None:
    """Use one thread, and ignore Ctrl-C, which the training process handles.

    Workers already use all cores. A Ctrl-C in a terminal reaches every process, but the current
    step still needs its samples.
    """
    del worker
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
