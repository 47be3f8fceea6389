"""Load batches ahead of time: worker processes make samples while the network trains."""

import multiprocessing
import pickle
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from copy import copy
from multiprocessing.context import BaseContext

import cv2
import torch
from torch.utils.data import DataLoader, get_worker_info

from grapy_cli.data.batches import RankBatches
from grapy_cli.data.dataset import ParsingDataset
from grapy_cli.data.sample import Batch, Sample
from grapy_cli.errors import DeviceError, GrapyError

AHEAD = 4
"""Batches that a worker holds ready."""

POLL = 1.0
"""Seconds between two calls of `on_wait`."""

PATIENCE = 1.0
"""Seconds that a worker has to finish its sample when loading ends; then it is killed."""


def load_batches(
    dataset: ParsingDataset,
    batches: RankBatches,
    workers: int,
    on_wait: Callable[[float], None] = lambda _: None,
) -> Generator[Batch, None, None]:
    """Load the rest of a run's batches, in order.

    Workers live as long as the iterator: they read ahead across epochs and during scoring. Closing
    or dropping the iterator ends them.

    Args:
        workers: Number of worker processes; 0 loads in this process.
        on_wait: Called about every second while no batch comes, with the seconds since the last
            one. What it raises ends the loading.

    Raises:
        DatasetError: If a file is missing or broken.
        DeviceError: If a worker was killed; see `living_workers`.
    """
    loader = DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_stack,
        worker_init_fn=_start_worker,
        prefetch_factor=AHEAD if workers else None,
        pin_memory=torch.cuda.is_available(),
        timeout=POLL if workers else 0,
        multiprocessing_context=_workers_context() if workers else None,
    )
    sender = iter(loader)
    try:
        for sent in _watched(sender, on_wait):
            batch = pickle.loads(sent) if isinstance(sent, bytes) else sent
            if isinstance(batch, GrapyError):
                raise batch
            yield batch
    except (ConnectionError, EOFError) as error:
        # Samples of a killed worker are lost. Torch raises as soon as it notices: better here than
        # during the caller's cleanup.
        time.sleep(1)
        raise _worker_killed(error) from error
    finally:
        # Now: a traceback may keep the loader, and so its workers, alive.
        if hasattr(sender, "_shutdown_workers"):
            sender._shutdown_workers()


def _watched(
    loader: Iterator[Batch | bytes | GrapyError], on_wait: Callable[[float], None]
) -> Iterator[Batch | bytes | GrapyError]:
    """Give what a loader delivers, and call `on_wait` each time that it reports a timeout."""
    begun = time.monotonic()
    while True:
        try:
            sent = next(loader)
        except StopIteration:
            return
        except RuntimeError as error:
            if "timed out" not in str(error):
                raise
            on_wait(time.monotonic() - begun)
        else:
            yield sent
            begun = time.monotonic()


class _Worker(multiprocessing.Process):
    """A worker process that ends in time.

    Torch waits for 5 seconds, sends SIGTERM, which workers ignore, and waits for 5 seconds again.
    """

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the process, but not as long as torch would."""
        super().join(None if timeout is None else min(timeout, PATIENCE))

    def terminate(self) -> None:
        """Kill the process."""
        self.kill()


def _workers_context() -> BaseContext:
    """Return the default way to start processes, with workers that end in time."""
    context = copy(multiprocessing.get_context())
    context.Process = _Worker  # type: ignore[misc]
    return context


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
    """Use one thread, and ignore Ctrl-C, which the training process handles.

    Workers already use all cores. A Ctrl-C in a terminal reaches every process, but the current
    step still needs its samples.
    """
    del worker
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
