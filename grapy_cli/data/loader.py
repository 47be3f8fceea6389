"""Read ahead: worker processes make samples while the network learns from the last ones."""

import pickle
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from grapy_cli.data.batches import RankBatches
from grapy_cli.data.dataset import Draw, ParsingDataset
from grapy_cli.data.sample import Batch, Sample
from grapy_cli.errors import DeviceError, GrapyError

AHEAD = 4
"""Batches that a worker holds ready."""

POLL = 1.0
"""Seconds between two calls of `on_wait`."""


def load_batches(
    dataset: ParsingDataset,
    batches: RankBatches,
    workers: int,
    on_wait: Callable[[float], None] = lambda _: None,
) -> Generator[Batch, None, None]:
    """Load the rest of a run's batches, in order.

    Workers live as long as the iterator does: they read ahead over the end of an epoch and while
    the network is scored. Closing the iterator, or dropping it, ends them.

    Args:
        dataset: Makes the samples.
        batches: Which ones.
        workers: Processes; 0 works in this one.
        on_wait: Called about every second while the next batch does not come, with the seconds
            since the last one. What it raises ends the loading.

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
        prefetch_factor=AHEAD if workers else None,
        pin_memory=torch.cuda.is_available(),
        timeout=POLL if workers else 0,
    )
    sender = iter(loader)
    try:
        for sent in _watched(sender, on_wait):
            batch = pickle.loads(sent) if isinstance(sent, bytes) else sent
            if isinstance(batch, GrapyError):
                raise batch
            yield batch
    except (ConnectionError, EOFError) as error:
        # What a killed worker sent is lost. Torch reports its end as soon as the system does:
        # better here than while the caller cleans up.
        time.sleep(1)
        raise _worker_killed(error) from error
    finally:
        _end(sender)


def _watched(
    loader: Iterator[Batch | bytes | GrapyError], on_wait: Callable[[float], None]
) -> Iterator[Batch | bytes | GrapyError]:
    """Give what a loader delivers, and call `on_wait` each time that it reports a timeout."""
    while True:
        begun = time.monotonic()
        while True:
            try:
                sent = next(loader)
                break
            except StopIteration:
                return
            except RuntimeError as error:
                if "timed out" not in str(error):
                    raise
                on_wait(time.monotonic() - begun)
        yield sent


def _end(loader: object) -> None:
    """End the workers of a loader; one that hangs ignores SIGTERM, and Python would wait for it."""
    workers = list(getattr(loader, "_workers", ()))
    if workers:
        loader._shutdown_workers()  # type: ignore[attr-defined]  # else a traceback keeps them
    for worker in workers:
        if worker.is_alive():
            worker.kill()


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
        f"a data loader worker was killed, usually because memory ran out: {error}",
        hint="Use fewer --workers, then resume from the last checkpoint with --resume.",
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


def _stack(samples: list[Sample | GrapyError]) -> Batch | bytes | GrapyError:
    errors = [sample for sample in samples if isinstance(sample, GrapyError)]
    if errors:
        return errors[0]
    batch = Batch.of([sample for sample in samples if isinstance(sample, Sample)])
    return _packed(batch) if get_worker_info() else batch


def _packed(batch: Batch) -> Batch | bytes:
    """Put a batch into shared memory; if that is full, return its bytes, which go through a pipe.

    Torch would fill the memory in a thread of the queue, where an error loses the batch: the
    training process would wait for it forever.
    """
    try:
        return batch.share_memory()
    except (RuntimeError, OSError):
        return pickle.dumps(batch, pickle.HIGHEST_PROTOCOL)


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
