"""Reading ahead: worker processes make samples while the network learns from the last ones."""

import signal
from collections.abc import Iterable

import cv2
import torch
from torch.utils.data import DataLoader

from grapy_cli.data.batches import RankBatches
from grapy_cli.data.dataset import ParsingDataset
from grapy_cli.data.sample import Batch


def build_loader(dataset: ParsingDataset, batches: RankBatches, workers: int) -> Iterable[Batch]:
    """Load the batches of an epoch, in order.

    Args:
        dataset: Makes the samples.
        batches: Which ones.
        workers: Processes; 0 works in this one.
    """
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=Batch.of,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


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
