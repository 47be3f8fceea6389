"""How fast training is, and its reading of photos, beside the plain ways of doing the same.

python -m tests.benchmarks.train [--what step,loader,card] [--data DIR --dataset NAME]

Ways take turns, and medians are shown. Without --data people are made up on the spot. The part
`card` needs CUDA and is left out without it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import numpy as np
import torch

from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DeviceError
from grapy_cli.model import fused
from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.reporting import silence
from grapy_cli.settings.sections import DataSettings, PrepareSettings, SyntheticSettings
from grapy_cli.settings.settings import Settings
from grapy_cli.train.guards import enough_memory
from tests.benchmarks import plain
from tests.support.training import job_of

NETWORKS = {
    "tiny": ["model.width=0.25", "model.decoder={features=32, low_level=16}"],
    "mid": ["model.width=1.0", "model.decoder={features=128, low_level=32}"],
    "paper": [
        "model.backbone=xception65",
        "model.width=1.0",
        "model.decoder={features=256, low_level=48}",
    ],
}
PYRAMID = "model.pyramid.rounds=3"
LOADED = 20
"""Batches a reading of photos is timed over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--what", default="step,loader,card")
    parser.add_argument("--networks", default="tiny,mid", help=", ".join(NETWORKS))
    parser.add_argument("--batch", type=int, default=4, help="photos per step")
    parser.add_argument("--crop", type=int, default=257, help="pixels")
    parser.add_argument("--rounds", type=int, default=5, help="how often ways take turns")
    parser.add_argument("--workers", type=int, default=1, help="loader processes")
    parser.add_argument("--data", type=Path, help="prepared data sets")
    parser.add_argument("--dataset", default="cihp")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        given.data = given.data or draw(Path(folder), given.dataset)
        for what in given.what.split(","):
            {"step": steps, "loader": loader, "card": card}[what](given)


def draw(folder: Path, dataset: str) -> Path:
    """Prepare people that are made up, and call them by the data set whose labels they have."""
    made = SyntheticSettings(labels=[dataset], count=80, size=(500, 333))
    data = DataSettings(root=folder, dataset=["synthetic"])
    run_prepare(Settings(data=data, prepare=PrepareSettings(synthetic=made)), silence)
    return folder


def job(given: argparse.Namespace, *sets: str, **flags: object):
    return job_of(
        *sets,
        PYRAMID,
        data__root=given.data,
        data__dataset=given.dataset,
        train__batch_size=given.batch,
        train__crop=f"{given.crop},{given.crop}",
        **flags,
    )


def steps(given: argparse.Namespace) -> None:
    """A step of the whole network, with our pyramid and with the plain one."""
    print(f"\na step of {given.batch} photos of {given.crop}x{given.crop}, ", end="")
    print(f"{torch.get_num_threads()} threads")
    print(f"{'':12}{'plain s':>10}{'ours s':>10}{'ratio':>8}{'ours bf16':>11}{'ratio':>8}", end="")
    print(f"{'features differ by':>20}")
    for name in given.networks.split(","):
        took, difference = step_times(given, NETWORKS[name])
        ratios = [took[0] / other for other in took]
        row = f"{took[0]:10.3f}{took[1]:10.3f}{ratios[1]:7.2f}x{took[2]:11.3f}{ratios[2]:7.2f}x"
        print(f"{name:12}{row}{difference:20.1e}")


def step_times(given: argparse.Namespace, numbers: list[str]) -> tuple[list[float], float]:
    """Seconds of a plain step, of ours, and of ours in bf16; and how little ours is different."""
    one, rough = (job(given, *numbers, f"train.precision={kind}") for kind in ("fp32", "bf16"))
    with closing(one.batches(0, 0)) as batches:
        batch = next(batches)
    pyramid = one.trained.network.pyramid
    features = torch.randn(2, pyramid.fusion[1].out_channels, 33, 33)
    label_map = torch.randint(0, 3, (2, 33, 33))
    ours, theirs = (
        way(pyramid, features, label_map, given.dataset) for way in (fused.refine, plain.refine)
    )
    difference = float(((ours - theirs).abs().max() / theirs.abs().max()).detach())

    def step_plainly() -> None:
        with plainly():
            one.step(batch, 0)

    took = take_turns(
        given.rounds, step_plainly, lambda: one.step(batch, 0), lambda: rough.step(batch, 0)
    )
    return took, difference


@contextmanager
def plainly() -> Iterator[None]:
    """Have networks refine by the plain pyramid."""
    ours = fused.refine
    fused.refine = plain.refine
    try:
        yield
    finally:
        fused.refine = ours


def loader(given: argparse.Namespace) -> None:
    """Photos read and varied per second."""
    dataset = PreparedDataset.open(given.data / given.dataset)
    pairs = [(dataset.photo(key), dataset.label_map(key)) for key in dataset.keys("train")]
    batches = [pairs[start : start + given.batch] for start in range(0, len(pairs), given.batch)]
    random = np.random.default_rng(0)

    def read_plainly() -> None:
        for some in islice(cycle(batches), LOADED):
            plain.load_batch(some, given.crop, random)

    def read(workers: int) -> Callable[[], None]:
        one = job(given, f"data.workers={workers}", "train.augment.mirror=0.5", train__epochs=1000)
        reading = one.batches(0, 0)
        next(reading)
        return lambda: [None for _ in islice(reading, LOADED)] and None

    photos = LOADED * given.batch
    ways = {
        "plain": read_plainly,
        "ours": read(0),
        f"ours, {given.workers} beside": read(given.workers),
    }
    took = take_turns(given.rounds, *ways.values())
    print(f"\nreading {photos} photos for crops of {given.crop}x{given.crop}")
    print(f"{'':16}{'photos/s':>10}{'ratio':>8}")
    for name, seconds in zip(ways, took, strict=True):
        print(f"{name:16}{photos / seconds:10.1f}{took[0] / seconds:7.2f}x")


def card(given: argparse.Namespace) -> None:
    """The paper's network on a card: at the paper's batch, and at the largest that fits."""
    if not torch.cuda.is_available():
        print("\nno CUDA device: the paper's network on a card is left out")
        return
    print(f"\nthe paper's network at 512x512 on {torch.cuda.get_device_name()}")
    print(f"{'':16}{'photos':>8}{'photos/s':>10}{'GiB':>8}")
    ways = {
        "fp32": ["train.precision=fp32"],
        "bf16": ["train.precision=bf16"],
        "bf16 compiled": ["train.precision=bf16", "train.compile=true"],
    }
    for name, sets in ways.items():
        photos, measured = 10, on_card(given, sets, 10)
        while measured:
            print(f"{name:16}{photos:8}{photos / measured[0]:10.1f}{measured[1]:8.1f}")
            photos, measured = 2 * photos, on_card(given, sets, 2 * photos)


def on_card(given: argparse.Namespace, sets: list[str], photos: int) -> tuple[float, float] | None:
    """Seconds of a step and GiB at its peak; None where it does not fit."""
    numbers = argparse.Namespace(**{**vars(given), "batch": photos, "crop": 512})
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    try:
        with enough_memory(torch.device("cuda"), "a step", str):
            one = job(numbers, *NETWORKS["paper"], *sets, run__device="cuda")
            with closing(one.batches(0, 0)) as batches:
                batch = next(batches).to(one.device)
            one.step(batch, 0)

            def step() -> None:
                one.step(batch, 0)
                torch.cuda.synchronize()

            (seconds,) = take_turns(given.rounds, step)
    except DeviceError:
        return None
    return seconds, torch.cuda.max_memory_allocated() / 2**30


def take_turns(rounds: int, *ways: Callable[[], object]) -> list[float]:
    """The median seconds of each way, after a first turn that is not counted."""
    took: list[list[float]] = [[] for _ in ways]
    for turn in range(rounds + 1):
        for way, seconds in zip(ways, took, strict=True):
            start = time.perf_counter()
            way()
            if turn:
                seconds.append(time.perf_counter() - start)
    return [median(seconds) for seconds in took]


if __name__ == "__main__":
    main()
