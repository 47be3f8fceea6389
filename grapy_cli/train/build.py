"""Build the parts of a training run from settings."""

import os
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from shutil import which
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from grapy_cli.data.augment import transforms
from grapy_cli.data.augment.backgrounds import RandomBackground, find_backgrounds
from grapy_cli.data.augment.copy_paste import RandomCopyPaste, RandomOccluder
from grapy_cli.data.batches import RankBatches
from grapy_cli.data.dataset import Group, ParsingDataset
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.data.loader import load_batches
from grapy_cli.data.sample import COARSE, Batch
from grapy_cli.errors import SettingsError
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.model.activation_checkpointing import checkpoint_activations
from grapy_cli.model.grapy import BACKBONES, GrapyNet, NetworkNumbers, build_network
from grapy_cli.model.pyramid import PyramidNumbers
from grapy_cli.runtime.world import World
from grapy_cli.settings.derive import derive
from grapy_cli.settings.sections import AugmentSettings, ModelSettings, TrainSettings
from grapy_cli.settings.settings import Settings
from grapy_cli.train.checkpoints import CheckpointFolder, Trained
from grapy_cli.train.ema import ExponentialMovingAverage
from grapy_cli.train.job import OnWait, Pace, Relabel, Score, TrainingJob
from grapy_cli.train.loss_module import LossModule, LossNumbers
from grapy_cli.train.part_weights import part_weights
from grapy_cli.train.sampling import build_sampling_plan
from grapy_cli.train.schedule import build_schedule


def build_fresh_network(
    model: ModelSettings, label_sets: Sequence[LabelSet], *, refine: bool
) -> GrapyNet:
    """Build the network that settings describe, with fresh parameters."""
    try:
        numbers = derive(
            NetworkNumbers,
            model,
            model.decoder,
            output_stride=model.output_stride or BACKBONES[model.backbone].OUTPUT_STRIDE,
            middle=tuple(model.decoder.middle),
            pyramid=derive(PyramidNumbers, model.pyramid) if refine else None,
        )
    except ValueError as error:
        raise SettingsError(
            f"model.decoder.middle: {error}", hint="Leave it out, or choose another --backbone."
        ) from error
    return build_network(numbers, label_sets)


def build_transform(
    train: TrainSettings, groups: Sequence[Group], datasets: Sequence[PreparedDataset]
) -> transforms.Transform:
    """Build the augmentation of a training sample.

    Raises:
        SettingsError: If objects cover people and there is no photo to cut them from.
    """
    augment: AugmentSettings = train.augment
    steps: list[transforms.Transform] = []
    backgrounds = find_backgrounds(augment.backgrounds) if augment.backgrounds else []
    if backgrounds:
        steps.append(RandomBackground(backgrounds, augment.background_share))
    if augment.copy_paste:
        steps.append(RandomCopyPaste(groups, augment.copy_paste, size=augment.copy_paste_size))
    if augment.occlude:
        if not backgrounds:
            raise SettingsError(
                "train.augment.occlude: there are no photos to cut objects from",
                hint="Set train.augment.backgrounds to a folder of photos without people.",
            )
        steps.append(RandomOccluder(backgrounds, augment.occlude))
    if augment.rotate:
        steps.append(transforms.RandomRotation(augment.rotate))
    steps.append(
        derive(
            transforms.RandomWindow,
            augment,
            size=train.crop,
            padding_label=0 if augment.padding == "background" else IGNORE,
        )
    )
    mirror_ids: dict[str, tuple[int, ...]] = {
        dataset.name: dataset.label_set.mirror_ids for dataset in datasets
    }
    mirror_ids[COARSE] = ()  # groups and people stay what they are
    steps.append(transforms.RandomMirror(mirror_ids, augment.mirror))
    if augment.color:
        steps.append(transforms.RandomColor(augment.color))
    if augment.blur:
        steps.append(transforms.RandomBlur(augment.blur))
    return transforms.compose(*steps)


def build_trained(network: GrapyNet, train: TrainSettings) -> Trained:
    """Build the optimizer of a network on its device, and the moving average if there is one.

    Raises:
        SettingsError: If the device does not support the precision, or the optimizer restarts and
            the schedule has no place for that.
    """
    numbers = train.optimizer
    device = next(network.parameters()).device
    if train.precision == "fp16" and device.type != "cuda":
        raise SettingsError(
            f"train.precision: fp16 needs a CUDA GPU, and this run is on {device.type}",
            hint="Use --precision bf16, which needs no scaling of the loss, or fp32.",
        )
    if numbers.restart and not train.schedule.every_epochs:
        raise SettingsError(
            "train.optimizer.restart: it needs a learning rate that falls only now and then",
            hint="Also set train.schedule.every_epochs; the reference uses 10.",
        )
    optimizers: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
        "sgd": partial(torch.optim.SGD, momentum=numbers.momentum),
        "adamw": torch.optim.AdamW,
    }
    return Trained(
        network,
        optimizers[numbers.name](
            _parameter_groups(network, numbers.backbone_rate),
            train.lr,
            weight_decay=numbers.weight_decay,
            fused=True if device.type == "cuda" else None,  # one kernel instead of hundreds
        ),
        ExponentialMovingAverage(network, train.ema) if train.ema else None,
        torch.amp.GradScaler(device.type, enabled=train.precision == "fp16"),
    )


def _parameter_groups(network: GrapyNet, backbone_rate: float) -> list[dict[str, Any]]:
    """Group the parameters by their learning rate; the backbone comes first."""
    if backbone_rate == 1:
        return [{"params": list(network.parameters()), "rate": 1.0}]
    if not backbone_rate:
        network.deeplab.backbone.requires_grad_(False)
    backbone = list(network.deeplab.backbone.parameters())
    known = set(map(id, backbone))
    others = [one for one in network.parameters() if id(one) not in known]
    groups = [{"params": backbone, "rate": backbone_rate}] if backbone_rate else []
    return [*groups, {"params": others, "rate": 1.0}]


def build_job(
    settings: Settings,
    trained: Trained,
    groups: Sequence[Group],
    checkpoints: CheckpointFolder,
    score: Score,
    relabel: Relabel,
    world: World,
    device: torch.device,
) -> TrainingJob:
    """Put everything together.

    Raises:
        SettingsError: If the batch cannot be divided among the processes.
    """
    train = settings.train
    sampling = build_sampling_plan(settings, groups, world.size)
    datasets = {dataset.name: dataset for group in groups for dataset in group.members.values()}
    transform = build_transform(train, groups, list(datasets.values()))
    samples = ParsingDataset(groups, transform, train.seed)

    def batches(
        epoch: int, step: int, on_wait: OnWait = lambda _: None
    ) -> Generator[Batch, None, None]:
        share = RankBatches(sampling, train.epochs, epoch, step, world.rank, world.size)
        return load_batches(samples, share, settings.data.workers, on_wait)

    loss_module = build_loss_module(trained.network, settings, groups, device)
    has_all_heads = train.mixing == "mixed" or settings.data.share_labels
    has_all_heads |= all(len(group.members) == len(datasets) for group in groups)
    return derive(
        TrainingJob,
        train.optimizer,
        train,
        trained=trained,
        loss_module=_distribute(loss_module, world, device, unused=not has_all_heads),
        schedule=build_schedule(train, sampling.steps),
        batches=batches,
        device=device,
        pace=derive(
            Pace,
            train,
            steps_per_epoch=sampling.steps,
            relabel_every=train.self_training.relabel_every if train.self_training.photos else 0,
        ),
        score=score,
        relabel=relabel,
        save=lambda progress, name: checkpoints.save(trained, progress, name),
        world=world,
    )


def build_loss_module(
    network: GrapyNet, settings: Settings, groups: Sequence[Group], device: torch.device
) -> LossModule:
    """Build the module that computes the losses of a batch.

    Raises:
        SettingsError: If it is to be compiled and there is no compiler, or that contradicts another
            setting.
    """
    train = settings.train
    if train.compile:
        _check_compiler(device)
    if train.checkpoint_activations:
        if train.compile:
            raise SettingsError(
                "train.checkpoint_activations: it has no effect on a compiled network",
                hint="Leave out --compile or --checkpoint-activations.",
            )
        checkpoint_activations(network)
    balance = train.loss.balance
    weights = part_weights(groups, balance) if balance else {}
    numbers = derive(LossNumbers, train, settings.data)
    return LossModule(
        network, numbers, {name: weight.to(device) for name, weight in weights.items()}
    )


def _check_compiler(device: torch.device) -> None:
    if device.type == "cuda" and find_spec("triton") is None:
        missing, way = "Triton", "pip install triton"
    elif not any(map(which, (os.environ.get("CXX", "c++"), "g++", "clang++"))):
        missing, way = "a C++ compiler", "apt install g++"
    else:
        return
    raise SettingsError(
        f"train.compile: compiling for {device.type} needs {missing}, which is not installed",
        hint=f"Install it ({way}), or leave out --compile.",
    )


def _distribute(
    loss_module: LossModule, world: World, device: torch.device, *, unused: bool
) -> nn.Module:
    """Wrap for several processes.

    Args:
        unused: Whether a step may leave the heads of some data sets out.
    """
    if world.size == 1:
        return loss_module
    if device.type == "cuda":
        loss_module = nn.SyncBatchNorm.convert_sync_batchnorm(loss_module)
        return DistributedDataParallel(loss_module, [device.index], find_unused_parameters=unused)
    # DDP compares strides, also those of sides of length 1, which mean nothing and which the CPU's
    # kernels choose in different ways.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return DistributedDataParallel(loss_module, find_unused_parameters=unused)
