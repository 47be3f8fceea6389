"""From settings to parts that are ready to train."""

import os
import warnings
from collections.abc import Generator, Sequence
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
from grapy_cli.settings.sections import AugmentSettings, ModelSettings, TrainSettings
from grapy_cli.settings.settings import Settings
from grapy_cli.train.checkpoints import CheckpointFolder, Trained
from grapy_cli.train.ema import ExponentialMovingAverage
from grapy_cli.train.job import Pace, Relabel, Score, TrainingJob
from grapy_cli.train.loss_module import LossModule, LossNumbers
from grapy_cli.train.part_weights import part_weights
from grapy_cli.train.sampling import build_sampling_plan
from grapy_cli.train.schedule import PolySchedule


def build_fresh_network(
    model: ModelSettings, label_sets: Sequence[LabelSet], *, refine: bool
) -> GrapyNet:
    """Build the network that settings describe, with fresh parameters."""
    pyramid = PyramidNumbers(**model.pyramid.model_dump())
    try:
        numbers = _network_numbers(model, pyramid if refine else None)
    except ValueError as error:
        raise SettingsError(
            f"model.decoder.middle: {error}", hint="Leave it out, or choose another --backbone."
        ) from error
    return build_network(numbers, label_sets)


def _network_numbers(model: ModelSettings, pyramid: PyramidNumbers | None) -> NetworkNumbers:
    return NetworkNumbers(
        backbone=model.backbone,
        output_stride=model.output_stride or BACKBONES[model.backbone].OUTPUT_STRIDE,
        width=model.width,
        features=model.decoder.features,
        low_level=model.decoder.low_level,
        middle=tuple(model.decoder.middle),
        rates=model.decoder.rates,
        pyramid=pyramid,
    )


def build_transform(
    train: TrainSettings, groups: Sequence[Group], datasets: Sequence[PreparedDataset]
) -> transforms.Transform:
    """Build the augmentation of a training sample.

    Raises:
        SettingsError: If things shall be put in the way and there is no photo to take them from.
    """
    augment: AugmentSettings = train.augment
    steps: list[transforms.Transform] = []
    backgrounds = find_backgrounds(augment.backgrounds) if augment.backgrounds else []
    if backgrounds:
        steps.append(RandomBackground(backgrounds, augment.background_share))
    if augment.copy_paste:
        steps.append(RandomCopyPaste(groups, augment.copy_paste))
    if augment.occlude:
        if not backgrounds:
            raise SettingsError(
                "train.augment.occlude: there is nothing to put in the way",
                hint="train.augment.backgrounds names a folder with person-free photos.",
            )
        steps.append(RandomOccluder(backgrounds, augment.occlude))
    if augment.rotate:
        steps.append(transforms.RandomRotation(augment.rotate))
    steps.append(
        transforms.RandomWindow(
            train.crop,
            augment.scale,
            augment.keep_aspect,
            augment.even_scales,
            padding_label=0 if augment.padding == "background" else IGNORE,
            focus=augment.focus,
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
    """Build the optimizer, and the running average where one is asked for.

    Args:
        network: On the device it learns on.
        train: How it learns.

    Raises:
        SettingsError: If the device cannot learn in the precision asked for, or the optimizer
            shall restart where the schedule has no such places.
    """
    numbers = train.optimizer
    device = next(network.parameters()).device
    if train.precision == "fp16" and device.type != "cuda":
        raise SettingsError(
            f"train.precision: fp16 needs a CUDA card, and this run is on {device.type}",
            hint="Use --precision bf16, which needs no scaling of the loss, or fp32.",
        )
    if numbers.restart and not train.schedule.every_epochs:
        raise SettingsError(
            "train.optimizer.restart: a rate that falls with every step leaves no momentum at all",
            hint="Set train.schedule.every_epochs as well; the reference's is 10.",
        )
    fused = True if device.type == "cuda" else None  # one kernel instead of hundreds
    parameters = _parameter_groups(network, numbers.backbone_rate)
    optimizer: torch.optim.Optimizer
    match numbers.name:
        case "sgd":
            optimizer = torch.optim.SGD(
                parameters,
                train.lr,
                momentum=numbers.momentum,
                weight_decay=numbers.weight_decay,
                fused=fused,
            )
        case "adamw":
            optimizer = torch.optim.AdamW(
                parameters, train.lr, weight_decay=numbers.weight_decay, fused=fused
            )
    return Trained(
        network,
        optimizer,
        ExponentialMovingAverage(network, train.ema) if train.ema else None,
        torch.amp.GradScaler(device.type, enabled=train.precision == "fp16"),
    )


def _parameter_groups(network: GrapyNet, backbone_rate: float) -> list[dict[str, Any]]:
    """Sort the parameters by how fast they learn; the first group is the backbone."""
    backbone = list(network.deeplab.backbone.parameters())
    if backbone_rate == 1:
        return [{"params": list(network.parameters()), "rate": 1.0}]
    if not backbone_rate:
        network.deeplab.backbone.requires_grad_(False)
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
        SettingsError: If the batch cannot be shared out among the processes.
    """
    train = settings.train
    sampling = build_sampling_plan(settings, groups, world.size)
    datasets = {dataset.name: dataset for group in groups for dataset in group.members.values()}
    transform = build_transform(train, groups, list(datasets.values()))
    samples = ParsingDataset(groups, transform, train.seed)

    def batches(epoch: int, step: int) -> Generator[Batch, None, None]:
        share = RankBatches(sampling, train.epochs, epoch, step, world.rank, world.size)
        return load_batches(samples, share, settings.data.workers)

    loss_module = build_loss_module(
        trained.network, train, groups, device, share_labels=settings.data.share_labels
    )
    partial = any(len(group.members) < len(datasets) for group in groups)
    unused = partial and train.mixing == "alternate" and not settings.data.share_labels
    return TrainingJob(
        trained=trained,
        loss_module=_distribute(loss_module, world, device, unused=unused),
        count=loss_module.count,
        label_sources=loss_module.label_sources,
        schedule=PolySchedule(
            train.lr, sampling.steps, train.epochs, **train.schedule.model_dump()
        ),
        restart=train.optimizer.restart,
        clip=train.optimizer.clip,
        accumulate=train.accumulate,
        batches=batches,
        device=device,
        pace=Pace(
            train.epochs,
            sampling.steps,
            train.score_every,
            train.save_every,
            train.self_training.relabel_every if train.self_training.photos else 0,
        ),
        score=score,
        relabel=relabel,
        save=lambda progress, name: checkpoints.save(trained, progress, name),
        world=world,
    )


def build_loss_module(
    network: GrapyNet,
    train: TrainSettings,
    groups: Sequence[Group],
    device: torch.device,
    *,
    share_labels: bool = False,
) -> LossModule:
    """Build what gives the losses of a batch.

    Raises:
        SettingsError: If it shall be compiled, and nothing here can, or that would undo
            another wish.
    """
    if train.compile:
        _check_compiler(device)
    if train.checkpoint_activations:
        if train.compile:
            raise SettingsError(
                "train.checkpoint_activations: what is compiled keeps what it likes",
                hint="Leave --compile or --checkpoint-activations out.",
            )
        checkpoint_activations(network)
    loss = train.loss
    weights = part_weights(groups, loss.balance) if loss.balance else {}
    numbers = LossNumbers(
        main=loss.main,
        refined=loss.refined,
        coarse=loss.coarse,
        stride=loss.stride,
        precision=train.precision,
        freeze_batch_norm=train.freeze_batch_norm,
        compile=train.compile,
        share_labels=share_labels,
    )
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
        f"train.compile: compiling for {device.type} needs {missing}, which is not there",
        hint=f"Install it ({way}), or leave --compile out.",
    )


def _distribute(
    loss_module: LossModule, world: World, device: torch.device, *, unused: bool
) -> nn.Module:
    """Wrap for several processes.

    Args:
        loss_module: What to wrap.
        world: The processes.
        device: This one's.
        unused: Whether a step may leave the heads of some data sets out.
    """
    if world.size == 1:
        return loss_module
    if device.type == "cuda":
        loss_module = nn.SyncBatchNorm.convert_sync_batchnorm(loss_module)
        return DistributedDataParallel(loss_module, [device.index], find_unused_parameters=unused)
    # The strides of a side of length 1 mean nothing, but DDP compares them, and the CPU's kernels
    # give gradients now these, now those.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return DistributedDataParallel(loss_module, find_unused_parameters=unused)
