"""`grapy train`: one run from settings to weights."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from grapy_cli import __version__
from grapy_cli.data.dataset import group_photos
from grapy_cli.data.layout import PreparedDataset, find_prepared
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.evaluate.scoring import score_datasets
from grapy_cli.files import write_text
from grapy_cli.labels import LABEL_SETS, dataset_name
from grapy_cli.metrics.scores import scores_of
from grapy_cli.model.weights import WeightsCard, card_of
from grapy_cli.predict.augment import TTA
from grapy_cli.predict.parser import HumanParser
from grapy_cli.runtime.device import fair_threads, pick_device, set_threads
from grapy_cli.runtime.interrupt import deferred_interrupts
from grapy_cli.runtime.journal import Journal
from grapy_cli.runtime.launch import is_launched, launch
from grapy_cli.runtime.reporting import Reporter, Told, silence, tee
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.runtime.world import World, open_world
from grapy_cli.settings.handover import handed_over
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.stages import STAGE_BEFORE
from grapy_cli.settings.toml import to_toml
from grapy_cli.train.build import build_fresh_network, build_job, build_trained
from grapy_cli.train.checkpoints import CheckpointFolder, Progress, Trained
from grapy_cli.train.events import RunStarted
from grapy_cli.train.loop import Score, fit
from grapy_cli.train.records import Records
from grapy_cli.train.resume import settings_of_run
from grapy_cli.train.start import init_network


@dataclass(frozen=True)
class TrainSummary:
    """What a run came to."""

    folder: Path
    best: float | None
    """Best mean IoU over the data sets' val splits, in [0, 1]; None where there is none."""


def run_train(settings: Settings, reporter: Reporter) -> TrainSummary:
    """Train a network, or go on with a run that was stopped.

    Raises:
        SettingsError: If settings contradict each other or the machine.
        DatasetError: If the data are not there.
        WeightsError: If `--init` or `--resume` cannot be used.
        DeviceError: If the device is absent.
        DivergedError: If the loss is no longer finite.
        InterruptedRun: If somebody stopped the run; it can be resumed.
    """
    train = settings.train
    if train.resume and train.init:
        raise SettingsError(
            "--resume and --init exclude each other",
            hint="--resume goes on with a run; --init starts a new one from weights.",
        )
    folder = _folder(settings)
    if settings.run.gpus > 1 and not is_launched():
        _launch(settings, folder)
        return TrainSummary(folder.path, None)
    device_type = pick_device(settings.run.device).type
    with open_world(device_type) as world:
        return _train(settings, folder, world, reporter if world.is_main else silence)


def _launch(settings: Settings, folder: RunFolder) -> None:
    """Start the processes of a run; each of them comes to `run_train` again."""
    out = {"out": folder.path} if settings.train.resume is None else {}
    train = settings.train.model_copy(update=out)
    with handed_over(settings.model_copy(update={"train": train})) as file:
        launch(
            ["train", "--config", str(file)],
            settings.run.gpus,
            go_on=f"grapy train --resume {folder.path}",
        )


def _train(settings: Settings, folder: RunFolder, world: World, reporter: Reporter) -> TrainSummary:
    train = settings.train
    device = pick_device(settings.run.device, world.local_rank)
    set_threads(settings.run.threads or fair_threads(world.local_size))
    torch.manual_seed(train.seed)
    datasets = open_datasets(settings)
    settings = _with_datasets(settings, datasets)
    kept = settings_of_run(folder, settings) if train.resume else settings
    label_sets = [dataset.label_set for dataset in datasets]
    network = build_fresh_network(settings.model, label_sets, refine=train.refine)
    if train.init:
        reporter(Told(init_network(network, train.init)))
    elif not train.resume and train.stage in STAGE_BEFORE:
        reporter(Told(_advice(train.stage)))
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained = build_trained(network, train)
    checkpoints = CheckpointFolder(folder, lambda step: _card(settings, trained, datasets, step))
    progress = checkpoints.load(trained) if train.resume else Progress()
    groups = group_photos(datasets, "train", join=settings.data.join_photos)
    score = _scorer(settings, trained, datasets, device, world)
    job = build_job(settings, trained, groups, checkpoints, score, world, device)
    report = reporter
    if world.is_main:
        if not train.resume:
            RunFolder.create(folder.path)
        write_text(folder.settings_file, to_toml(kept))
        report = tee(Journal(folder.journal_file), Records(folder), reporter)
    world.barrier()
    report(
        RunStarted(
            folder=str(folder.path),
            stage=train.stage,
            datasets={dataset.name: len(dataset.keys("train")) for dataset in datasets},
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            steps=job.pace.epochs * job.pace.steps_per_epoch,
            first_step=progress.step,
        )
    )
    with deferred_interrupts() as stop_asked:
        progress = fit(job, progress, report, stop_asked)
    return TrainSummary(folder.path, progress.best if progress.best >= 0 else None)


def open_datasets(settings: Settings) -> list[PreparedDataset]:
    """Open the data sets a run works on: those named, else every prepared one of the three.

    Raises:
        DatasetError: If one is missing, or none is prepared.
        SettingsError: If a fine-tuning is not for exactly one.
    """
    root, names = settings.data.root, list(settings.data.dataset)
    if settings.train.stage == "finetune" and len(names) != 1:
        raise SettingsError(
            f"the finetune stage takes one data set, not {len(names)}",
            hint="Say which: --dataset pascal.",
        )
    if not names:
        names = [name for name in find_prepared(root) if name in LABEL_SETS]
        if not names:
            raise DatasetError(
                f"no data set is prepared below {root}",
                hint=f"grapy prepare --dataset cihp --data {root}",
            )
    return [PreparedDataset.open(root / name) for name in dict.fromkeys(map(dataset_name, names))]


def _with_datasets(settings: Settings, datasets: Sequence[PreparedDataset]) -> Settings:
    """Write down what an absent `--dataset` came to, so that a resumed run takes the same."""
    names = settings.data.dataset or [dataset.name for dataset in datasets]
    return settings.model_copy(update={"data": settings.data.model_copy(update={"dataset": names})})


def _advice(stage: str) -> str:
    before = STAGE_BEFORE[stage]
    return (
        f"starting from fresh parameters, where the paper's {stage} stage starts from a {before} "
        f"run: grapy train --stage {before}, then --stage {stage} --init and that run's folder"
    )


def _folder(settings: Settings) -> RunFolder:
    train = settings.train
    if train.resume:
        return RunFolder.open(train.resume)
    if train.out:
        return RunFolder(train.out)
    return RunFolder(Path("runs") / f"{train.stage}-{time.strftime('%Y-%m-%d-%H%M%S')}")


def _card(
    settings: Settings, trained: Trained, datasets: Sequence[PreparedDataset], step: int
) -> WeightsCard:
    sizes = [f"{len(d.keys('train'))} photos of {d.name} ({d.card.source})" for d in datasets]
    return card_of(
        trained.network,
        name=settings.train.stage,
        grapy=__version__,
        stage=settings.train.stage,
        step=step,
        longest_side=settings.model.native_side or None,
        trained_on="; ".join(sizes),
    )


def _scorer(
    settings: Settings,
    trained: Trained,
    datasets: Sequence[PreparedDataset],
    device: torch.device,
    world: World,
) -> Score:
    """Build the closure that scores the weights on the val split of each data set that has one."""
    scored = {dataset.name: dataset for dataset in datasets if "val" in dataset.splits}

    def score() -> dict[str, float]:
        network = trained.network
        kept = {key: value.clone() for key, value in network.state_dict().items()}
        network.load_state_dict(trained.weights())
        network.eval()
        side = settings.infer.longest_side
        side = settings.model.native_side if side is None else side
        parser = HumanParser(network, None, device, TTA[settings.infer.tta], side)
        tallies = score_datasets(parser, scored, "val", world=world)
        network.load_state_dict(kept)
        return {
            name: scores_of(tally.counts, scored[name].label_set.names).mean_iou or 0.0
            for name, tally in tallies.items()
        }

    return score
