"""How fast training and its data loading are, and how much memory the activations take.

python -m tests.benchmarks.train [--data DIR --dataset NAME]

The plain step is that of the reference: its form of the network, two cross entropies at the size of
the photo, SGD. Ours is the whole step of `grapy train`. Without --data, synthetic people are used.
The GPU rows need CUDA.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.data.sample import Batch
from grapy_cli.errors import DeviceError
from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings, SyntheticSettings
from grapy_cli.settings.settings import Settings
from grapy_cli.train.guards import enough_memory
from grapy_cli.train.job import TrainingJob
from tests.benchmarks import plain
from tests.benchmarks.contest import Row, main, take_turns
from tests.support.training import job_of

PAPER = [
    "model.backbone=xception65",
    "model.width=1.0",
    "model.decoder={features=256, low_level=48}",
    "model.pyramid.rounds=3",
    "train.loss.stride=1",
]
PHOTOS, SIDE = 2, 256
"""Size of a measured step; its memory is scaled to the paper's 10 photos of 512x512."""
SCALE = 10 * 512**2 / (PHOTOS * SIDE**2)
SAMPLES = 40
"""Photos read per turn."""
BOUNDS = {"fp32": 125, "bf16": 370, "bf16, compiled": 600}
"""Photos per second that memory and arithmetic of an H100 allow; calculated, not measured."""


def rows(given: argparse.Namespace) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(given.data) if given.data else draw(Path(folder))
        yield from steps(data, given.dataset, given.repeats)
        yield loader(data, given.dataset, given.repeats)
        yield from gpu(data, given.dataset, given.repeats)


def draw(folder: Path) -> Path:
    """Prepare synthetic people with labels as in CIHP."""
    made = SyntheticSettings(labels=["cihp"], count=60, size=(500, 333))
    data = DataSettings(root=folder, dataset=["synthetic"])
    run_prepare(Settings(data=data, prepare=PrepareSettings(synthetic=made)), silence)
    return folder


def job(
    data: Path, dataset: str, *sets: str, photos: int, side: int, **flags: object
) -> TrainingJob:
    flags |= {"data__root": data, "data__dataset": dataset}
    return job_of(*sets, train__batch_size=photos, train__crop=f"{side},{side}", **flags)


def steps(data: Path, dataset: str, repeats: int) -> Iterator[Row]:
    sizes = {"photos": PHOTOS, "side": SIDE}
    ours, rough, sparing = (
        job(data, dataset, *PAPER, more, **sizes)
        for more in (
            "train.precision=fp32",
            "train.precision=bf16",
            "train.checkpoint_activations=true",
        )
    )
    theirs = job(data, dataset, *PAPER, **sizes)
    plain.spell_out(theirs.trained.network).to(memory_format=torch.contiguous_format)
    with closing(ours.batches(0, 0)) as batches:
        batch = next(batches)

    took = take_turns(
        repeats,
        lambda: step_plainly(theirs, batch),
        lambda: ours.step(batch, 0),
        lambda: rough.step(batch, 0),
    )
    what = f"training step, {PHOTOS} photos of {SIDE}x{SIDE}"
    yield Row.of(f"{what}, fp32", 1.5, took[0], took[1])
    yield Row.of(f"{what}, bf16", 2, took[0], took[2])
    before = kept(lambda: losses_plainly(theirs, batch))
    for name, goal, one in (("", 18, ours), (", with checkpointing", 5, sparing)):
        gibibytes = kept(lambda one=one: losses_of(one, batch))
        how = f"scaled from {PHOTOS} photos of {SIDE}x{SIDE}; the reference's form {before:.1f}"
        what = f"activations of 10 photos of 512x512{name}"
        yield Row(what, goal, gibibytes, how, " GiB", is_limit=True)


def step_plainly(one: TrainingJob, batch: Batch) -> None:
    one.trained.optimizer.zero_grad()
    losses_plainly(one, batch).backward()
    one.trained.optimizer.step()


def losses_of(one: TrainingJob, batch: Batch) -> object:
    module = one.plain_loss_module
    targets = module.targets_of(batch)
    return module(batch, targets, module.count(targets))


def losses_plainly(one: TrainingJob, batch: Batch) -> Tensor:
    (dataset,) = batch.datasets
    label_map = batch.label_maps[dataset].long()
    logits = plain.parse(one.trained.network, batch.images.contiguous(), dataset)
    return torch.stack(
        [F.cross_entropy(each, label_map, ignore_index=255) for each in logits]
    ).sum()


def kept(forward: Callable[[], object]) -> float:
    """Measure the GiB that a forward pass keeps for the gradients, without parameters."""
    found: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not tensor.is_leaf or not tensor.requires_grad:
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        result = forward()
    del result
    return SCALE * sum(found.values()) / 2**30


def loader(data: Path, dataset: str, repeats: int) -> Row:
    """Measure reading, augmenting and cropping samples to 512x512 in this process."""
    prepared = PreparedDataset.open(data / dataset)
    keys = prepared.keys("train")
    pairs = [(prepared.photo(key), prepared.label_map(key)) for key in keys]
    endless, random = cycle(pairs), np.random.default_rng(0)
    one = job(
        data, dataset, *("data.workers=0", "train.augment.mirror=0.5"),
        photos=4, side=512, train__epochs=1000,
    )  # fmt: skip
    reading = one.batches(0, 0)

    def read_plainly() -> None:
        for _ in plain.samples(list(islice(endless, SAMPLES)), 512, random):
            pass

    def read() -> None:
        for _ in islice(reading, SAMPLES // 4):
            pass

    took = take_turns(2 * repeats, read_plainly, read)
    return Row.of("a training sample of 512x512", 3.3, *(each / SAMPLES for each in took))


def gpu(data: Path, dataset: str, repeats: int) -> Iterator[Row]:
    """Measure the paper's network on a GPU: steps of ten photos and more."""
    for name, bound in BOUNDS.items():
        what = f"training on an H100, {name}, share of its limit"
        if not torch.cuda.is_available():
            yield Row(what, 45, None, "there is no CUDA device", " %")
            continue
        precision, *compiled = name.split(", ")
        sets = [f"train.precision={precision}", f"train.compile={'true' if compiled else 'false'}"]
        found = {photos: on_gpu(data, dataset, sets, photos, repeats) for photos in (10, 20, 40)}
        paces = {photos: photos / one[0] for photos, one in found.items() if one}
        how = ", ".join(
            f"{photos}: {pace:.0f} photos/s in {found[photos][1]:.1f} GiB"
            for photos, pace in paces.items()
        )
        yield Row(what, 45, 100 * max(paces.values()) / bound, how, " %")


def on_gpu(
    data: Path, dataset: str, sets: Sequence[str], photos: int, repeats: int
) -> tuple[float, float] | None:
    """Measure seconds and peak GiB of a step; None if it does not fit."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    took = []
    try:
        with enough_memory(torch.device("cuda"), "a step", str):
            one = job(data, dataset, *PAPER, *sets, photos=photos, side=512, run__device="cuda")
            with closing(one.batches(0, 0)) as batches:
                batch = next(batches).to(one.device)
            for _ in range(repeats + 1):
                begun = time.perf_counter()
                one.step(batch, 0)
                torch.cuda.synchronize()
                took.append(time.perf_counter() - begun)
    except DeviceError:
        return None
    return median(took[1:]), torch.cuda.max_memory_allocated() / 2**30


if __name__ == "__main__":
    main(rows, __doc__, data="", dataset="synthetic")
