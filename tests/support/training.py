"""Tiny data sets, prepared, and the tiny recipe: a training takes seconds."""

from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

from grapy_cli.data.dataset import group_photos
from grapy_cli.model.weights import card_of
from grapy_cli.prepare.run import run_prepare
from grapy_cli.runtime.device import pick_device
from grapy_cli.runtime.reporting import Event, Reporter, silence
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.runtime.world import World
from grapy_cli.settings.layers import resolve
from grapy_cli.settings.sections import DataSettings, PrepareSettings
from grapy_cli.settings.settings import Settings
from grapy_cli.train.build import build_fresh_network, build_job, build_trained
from grapy_cli.train.checkpoints import CheckpointFolder
from grapy_cli.train.datasets import open_datasets
from grapy_cli.train.events import StepDone
from grapy_cli.train.job import TrainingJob
from grapy_cli.train.run import TrainSummary, run_train
from tests.support import tiny

RECIPE = Path(__file__).with_name("debug.toml")
WRITERS: Mapping[str, Callable[..., Path]] = MappingProxyType(
    {
        "cihp": tiny.write_cihp,
        "atr": tiny.write_atr,
        "pascal": tiny.write_pascal,
        "lip": tiny.write_lip,
    }
)


def prepare_tiny(root: Path, *names: str, photos: int = 6) -> Path:
    """Prepare the tiny twins of some releases; a fourth of the photos is for val."""
    for name in names:
        WRITERS[name](root / "raw", photos)
    data = DataSettings(root=root, dataset=list(names))
    run_prepare(Settings(data=data, prepare=PrepareSettings(processes=1)), silence)
    return root


def recipe(*sets: str, **flags: object) -> Settings:
    """The debug recipe with changes: `recipe("train.ema=0.9", data__root=root)`."""
    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    texts = {
        name: value if isinstance(value, bool) else str(value) for name, value in dotted.items()
    }
    return resolve(config=RECIPE, sets=sets, flags=texts, stage_rows=True).settings


def train(
    *sets: str,
    report: Reporter = silence,
    dry_run: bool = False,
    force: bool = False,
    **flags: object,
) -> TrainSummary:
    """Train by the debug recipe with changes."""
    return run_train(recipe(*sets, **flags), report, dry_run=dry_run, force=force)


def resume(run: Path, *sets: str, report: Reporter = silence) -> TrainSummary:
    """Go on with a run as `grapy train --resume RUN` does."""
    flags = {"train.resume": str(run)}
    return run_train(resolve(flags=flags, sets=sets, stage_rows=True).settings, report)


def tensors_of(run: Path, name: str = "last") -> dict[str, np.ndarray]:
    """All tensors of a checkpoint, those of weights and trainer by different names."""
    return {
        f"{file}/{key}": value
        for file in ("weights", "state")
        for key, value in load_file(run / name / f"{file}.safetensors").items()
    }


def assert_same_run(run: Path, other: Path) -> None:
    """The last checkpoints of two runs hold the same, bit for bit."""
    ours, theirs = tensors_of(run), tensors_of(other)
    assert set(ours) == set(theirs)
    different = [key for key in ours if ours[key].tobytes() != theirs[key].tobytes()]
    assert not different
    assert (run / "last" / "state.json").read_text() == (other / "last" / "state.json").read_text()


def step_done(**facts: Any) -> StepDone:
    """A step's event with some facts, and plain ones for the rest."""
    plain = {"step": 1, "total": 10, "epoch": 0, "datasets": ("atr",), "losses": {"atr/main": 1.0}}
    pace = {"lr": 7e-4, "photos_per_second": 9.87, "waited": 0.0, "seconds_left": 60.0}
    return StepDone(**({**plain, **pace, "memory": None} | facts))


class AfterSteps:
    """A reporter that does something when a number of steps is made."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        self.step = step
        self.act = act

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepDone) and event.step == self.step:
            self.act()


def job_of(*sets: str, **flags: object) -> TrainingJob:
    """What the debug recipe with changes trains with, in this process and before its first step."""
    settings = recipe(*sets, **flags)
    torch.manual_seed(settings.train.seed)
    datasets = open_datasets(settings)
    names = [dataset.name for dataset in datasets]
    settings = settings.model_copy(
        update={"data": settings.data.model_copy(update={"dataset": names})}
    )
    label_sets = [dataset.label_set for dataset in datasets]
    device = pick_device(settings.run.device)
    network = build_fresh_network(settings.model, label_sets, refine=settings.train.refine)
    network.to(device).to(memory_format=torch.channels_last)
    trained = build_trained(network, settings.train)
    groups = group_photos(datasets, "train", join=settings.data.join_photos)
    checkpoints = CheckpointFolder(RunFolder(Path("nowhere")), lambda step: card_of(network))
    job = build_job(
        settings, trained, groups, checkpoints, lambda epoch: {}, silence, World(), device
    )
    job.loss_module.train()
    return job


def steps_of(job: TrainingJob, count: int) -> list[dict[str, float]]:
    """Make the first steps of a run and return their losses."""
    with closing(job.batches(0, 0)) as batches:
        return [job.step(batch, step) for step, batch in enumerate(islice(batches, count))]
