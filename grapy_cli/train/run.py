"""Run `grapy train`: from settings to weights."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from grapy_cli import __version__
from grapy_cli.atomic import write_text
from grapy_cli.data.dataset import Group
from grapy_cli.data.loader import living_workers
from grapy_cli.errors import SettingsError, WeightsError
from grapy_cli.inference.tta import TTA
from grapy_cli.model.weights import WeightsCard, card_of
from grapy_cli.runtime.device import check_gpus, fair_threads, pick_device, set_threads
from grapy_cli.runtime.interrupt import deferred_interrupts
from grapy_cli.runtime.journal import Journal
from grapy_cli.runtime.launch import is_launched, launch
from grapy_cli.runtime.reporting import Reporter, Told, Warned, silence, tee
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.runtime.world import World, open_world
from grapy_cli.settings.derive import derive
from grapy_cli.settings.handover import handed_over
from grapy_cli.settings.settings import Settings
from grapy_cli.settings.stages import STAGE_BEFORE
from grapy_cli.settings.toml import to_toml
from grapy_cli.train.build import build_fresh_network, build_job, build_trained
from grapy_cli.train.checkpoints import CheckpointFolder, Progress, Trained
from grapy_cli.train.datasets import (
    DataRoot,
    group_roots,
    label_sets_of,
    open_datasets,
    open_more,
    stand_ins,
)
from grapy_cli.train.dry_run import Estimate, estimate_run
from grapy_cli.train.events import PhotosLabeled, RunStarted
from grapy_cli.train.forecast import check_forecast, forecast, tightest
from grapy_cli.train.guards import enough_memory, lighter
from grapy_cli.train.init_weights import advice_of, check_trained_alike, init_network
from grapy_cli.train.job import TrainingJob
from grapy_cli.train.learning_curves import Records
from grapy_cli.train.loop import fit
from grapy_cli.train.resume import rate_change, settings_of_run
from grapy_cli.train.scoring import Scorer
from grapy_cli.train.self_training.run import TEACHER_TTA, relabel, teach
from grapy_cli.train.self_training.unlabeled_photos import find_photos
from grapy_cli.train.shared_memory import shortage
from grapy_cli.train.tensorboard import check_tensorboard, open_tensorboard

RUNS = Path("runs")
"""Folder of runs without `--out`."""


@dataclass(frozen=True)
class TrainSummary:
    """The result of a run."""

    folder: Path
    best: float | None
    """Best mean IoU over the val splits of the data sets, in [0, 1]; None without one."""
    estimate: Estimate | None = None
    """Of a dry run, in the main process."""


@dataclass(frozen=True)
class _Run:
    """A run that is built and has not started."""

    settings: Settings
    """As they are written to the run folder."""
    groups: Sequence[Group]
    checkpoints: CheckpointFolder
    progress: Progress
    score: Scorer
    job: TrainingJob
    resumed: bool
    labeled: PhotosLabeled | None
    """What a teacher labeled in this process."""
    to_label: int
    """Photos that a teacher would label first, in a dry run."""

    @property
    def photos(self) -> dict[str, int]:
        counts = Counter[str]()
        for group in self.groups:
            counts.update(dict.fromkeys(group.datasets, len(group.keys)))
        return dict(counts)


def run_train(
    settings: Settings, reporter: Reporter, *, dry_run: bool = False, force: bool = False
) -> TrainSummary:
    """Train a network, or resume a run.

    Args:
        dry_run: Make two steps and one parsing per data set, tell what the run would take, and
            leave nothing behind.
        force: Start a run whose steps need more memory than there is.

    Raises:
        SettingsError: If settings contradict each other or the machine, or another process trains
            in the folder.
        DatasetError: If the data are not there.
        WeightsError: If `--init` or `--resume` cannot be used, or the run folder not be written.
        DeviceError: If the device is absent or out of memory, or a worker was killed.
        DivergedError: If the loss is no longer finite.
        InterruptedRun: If a signal stopped the run; it can be resumed.
    """
    train = settings.train
    if train.resume and train.init:
        raise SettingsError(
            "--resume and --init cannot be used together",
            hint="--resume resumes a run; --init starts a new run from weights.",
        )
    if train.tensorboard:
        check_tensorboard()
    folder = _folder(settings)
    if settings.run.gpus > 1 and not is_launched():
        check_gpus(settings.run.device, settings.run.gpus)
        switches = {"--dry-run": dry_run, "--force": force}
        _launch(settings, folder, [name for name, is_on in switches.items() if is_on])
        return TrainSummary(folder.path, None)
    device_type = pick_device(settings.run.device).type
    with open_world(device_type) as world, ExitStack() as held:
        report = reporter if world.is_main else silence
        if world.is_main and not dry_run:
            held.enter_context(_writing_to(folder))
            held.enter_context(folder.held())
        run = _build(settings, folder, world, report, dry_run=dry_run)
        work, hint = _relief(run, folder)
        with enough_memory(run.job.device, work, hint):
            for warning in _foresee(run, work, hint, force=force):
                report(Warned(warning))
            if not dry_run:
                return _train(run, folder, report)
            estimate = estimate_run(
                run.job, run.progress, run.score, run.checkpoints, run.photos, run.to_label
            )
        return TrainSummary(folder.path, None, estimate if world.is_main else None)


def _launch(settings: Settings, folder: RunFolder, switches: Sequence[str]) -> None:
    """Start the processes of a run; each calls `run_train` again."""
    out = {"out": folder.path} if settings.train.resume is None else {}
    with handed_over(settings.having("train", **out)) as file:
        launch(
            ["train", "--config", str(file), *switches],
            settings.run.gpus,
            go_on=f"grapy train --resume {folder.path}",
        )


def _build(
    settings: Settings, folder: RunFolder, world: World, reporter: Reporter, *, dry_run: bool
) -> _Run:
    train = settings.train
    device = pick_device(settings.run.device, world.local_rank)
    set_threads(settings.run.threads or fair_threads(world.local_size))
    datasets = open_datasets(settings)
    # A resumed run takes the same data sets, also if more are prepared by then.
    names = settings.data.dataset or [dataset.name for dataset in datasets]
    settings = settings.having("data", dataset=names)
    kept = settings_of_run(folder, settings) if train.resume else settings
    label_sets = label_sets_of(settings, datasets)
    roots = [DataRoot(datasets), *open_more(settings, datasets)] if datasets else []
    groups = group_roots(roots, join=settings.data.join_photos)
    to_label, labeled = 0, None
    if train.self_training.photos and dry_run:
        to_label = len(find_photos(train.self_training.photos))
        groups += stand_ins(groups, to_label, train.self_training.share)
    elif train.self_training.photos:
        if world.is_main and not train.resume:
            RunFolder.create(folder.path)
        root, labeled = teach(
            kept, label_sets, folder.pseudo, world, device, reporter, resumed=bool(train.resume)
        )
        roots.append(root)
        groups += group_roots([root], join=settings.data.join_photos)
    torch.manual_seed(train.seed)
    network = build_fresh_network(settings.model, label_sets, refine=train.refine)
    if train.init:
        reporter(Told(init_network(network, train.init)))
    elif not train.resume and (before := STAGE_BEFORE.get(train.stage)):
        prepared = [dataset.name for dataset in datasets]
        reporter(Told(advice_of(train.stage, before, prepared, RUNS)))
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained = build_trained(network, train)
    checkpoints = CheckpointFolder(folder, lambda step: _card(settings, trained, roots, step))
    if train.resume:
        check_trained_alike(network, checkpoints.last_weights())
    progress = checkpoints.load(trained) if train.resume else Progress()
    side = settings.infer.longest_side
    score = Scorer(
        trained,
        {dataset.name: dataset for dataset in datasets},
        folder,
        device,
        TTA[settings.infer.tta],
        settings.model.native_side if side is None else side,
        world,
    )
    parser = replace(score.parser, augmentation=TTA[TEACHER_TTA])
    again = partial(relabel, settings, trained, parser, label_sets, folder.pseudo, world)
    job = build_job(settings, trained, groups, checkpoints, score, again, world, device)
    if train.resume and (change := rate_change(folder, job.schedule, settings, progress.step)):
        reporter(Warned(change))
    return _Run(
        kept, groups, checkpoints, progress, score, job, bool(train.resume), labeled, to_label
    )


def _train(run: _Run, folder: RunFolder, reporter: Reporter) -> TrainSummary:
    job = run.job
    started = RunStarted(
        folder=str(folder.path),
        stage=run.settings.train.stage,
        datasets=run.photos,
        parameters=sum(parameter.numel() for parameter in job.trained.network.parameters()),
        steps=job.pace.steps,
        first_step=run.progress.step,
    )
    with (
        _records(run, folder, reporter) as report,
        living_workers(),
        deferred_interrupts() as stop_asked,
    ):
        job.world.barrier()
        if run.labeled:
            report(run.labeled)
        report(started)
        train, world = run.settings.train, job.world
        label_maps = max(len(group.members) for group in run.groups)
        workers = run.settings.data.workers * world.local_size
        if short := shortage(train.batch_size // world.size, train.crop, label_maps, workers):
            report(Warned(short))
        progress = fit(job, run.progress, report, stop_asked)
    return TrainSummary(folder.path, progress.best if progress.best >= 0 else None)


def _foresee(run: _Run, work: str, hint: Callable[[], str], *, force: bool) -> list[str]:
    """Return warnings about memory and time, the same in all processes; raise if it cannot fit."""
    job, train = run.job, run.settings.train
    largest = max(run.groups, key=_count_parts)
    own = forecast(
        job.plain_loss_module,
        [member.label_set for member in largest.members.values()],
        photos=train.batch_size // job.world.size // train.accumulate,
        crop=train.crop,
        passes=train.accumulate,
        optimizer=train.optimizer.name,
        processes=job.world.local_size,
        device=job.device,
    )
    foreseen = tightest(job.world.gather([own]))
    if foreseen is None:
        return []
    steps = job.pace.steps - run.progress.step
    return check_forecast(foreseen, work=work, steps=steps, hint=hint, force=force)


def _count_parts(group: Group) -> int:
    return sum(member.label_set.num_parts for member in group.members.values())


@contextmanager
def _records(run: _Run, folder: RunFolder, reporter: Reporter) -> Iterator[Reporter]:
    """Make the run folder and record all events in it; only the main process does."""
    if not run.job.world.is_main:
        yield reporter
        return
    if not run.resumed:
        RunFolder.create(folder.path)
    write_text(folder.settings_file, to_toml(run.settings))
    records = tee(Records(folder), Journal(folder.journal_file), reporter)
    if not run.settings.train.tensorboard:
        yield records
        return
    with open_tensorboard(folder.tensorboard, run.progress.step) as curves:
        yield tee(records, curves)


@contextmanager
def _writing_to(folder: RunFolder) -> Iterator[None]:
    """Turn errors of writing into a sentence: a full disk, a folder that was removed."""
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"the run folder {folder.path} cannot be written: {error}",
            hint=f"When this is fixed, resume with --resume {folder.path}."
            if folder.checkpoint("last").exists()
            else "There is no checkpoint yet: fix this and start again.",
        ) from error


def _relief(run: _Run, folder: RunFolder) -> tuple[str, Callable[[], str]]:
    """Return what a step is, and a function for the settings that make it smaller."""
    train = run.settings.train
    height, width = train.crop
    photos = train.batch_size // run.job.world.size // train.accumulate

    def hint() -> str:
        ways = derive(lighter, train, photos=photos, on_gpu=run.job.device.type == "cuda")
        saved = folder.checkpoint("last").exists()
        go_on = f" The last checkpoint is complete: --resume {folder.path}." if saved else ""
        return f"{ways}.{go_on}"

    return f"a step of {photos} photos of {width}x{height} pixels", hint


def _folder(settings: Settings) -> RunFolder:
    train = settings.train
    if train.resume:
        return RunFolder.open(train.resume)
    if train.out:
        return RunFolder(train.out)
    return RunFolder.free(RUNS / f"{train.stage}-{time.strftime('%Y-%m-%d-%H%M%S')}")


def _card(
    settings: Settings, trained: Trained, roots: Sequence[DataRoot], step: int
) -> WeightsCard:
    datasets = [dataset for root in roots for dataset in root.datasets]
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
