"""Reading ahead: worker processes make samples while the network learns from the last ones."""

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

    Workers live as long as the iterator does: they read ahead over the end of an epoch and while
    the network is scored. Closing the iterator, or dropping it, ends them.

    Args:
        dataset: Makes the samples.
        batches: Which ones.
        workers: Processes; 0 works in this one.

    Raises:
        DatasetError: If a file is gone or broken.
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
        # What a killed worker sent can no longer be had. Torch tells of its end as soon as the
        # system does: better here than in the midst of what the caller tidies up.
        time.sleep(1)
        raise _worker_killed(error) from error


@contextmanager
def living_workers() -> Iterator[None]:
    """Say if a worker dies while the block runs.

    Torch then raises wherever this process happens to be, between two steps or while it saves, and
    has no class of error for it.

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
        f"a worker that loads photos was killed, mostly for want of memory: {error}",
        hint="Use fewer by --workers, then go on from the last checkpoint with --resume.",
    )


class _Attempts(Dataset[Sample | GrapyError]):
    """Gives an error as a value: raised in a worker, it would arrive wrapped in a traceback."""

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
    """Use one thread, and leave it to the training process to say when to stop.

    Workers are the parallelism: threads inside them would fight over the same cores. And a Ctrl-C
    in a terminal reaches every process of the run, but the step under way still needs its samples.
    """
    del worker
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
