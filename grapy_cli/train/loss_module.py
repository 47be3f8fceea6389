"""The loss module: one forward pass from a batch to its losses."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grapy_cli.data.sample import Batch
from grapy_cli.labels import Level
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.settings.sections import LossSettings
from grapy_cli.train.losses import PAPER, Losses, count_labels, parsing_loss, sample_labels
from grapy_cli.train.targets import Target, Targets, count_words

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: Mapping[Precision, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}
COARSE_LEVELS = (Level.CATEGORY, Level.HUMAN)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)


@dataclass(frozen=True)
class LossNumbers:
    """The numbers of a loss module; the defaults are the paper's."""

    loss: LossSettings = PAPER
    """Weights and resolution of the losses."""
    precision: Precision = "fp32"
    """Of backbone and decoder; heads and losses always use float32."""
    freeze_batch_norm: bool = False
    """Batch norm uses its running statistics and does not change them; its scale and shift are
    trained."""
    compile: bool = False
    share_labels: bool = False
    """Whether a head learns from photos that other sets label; see `targets.py`."""


class LossModule(nn.Module):
    """Computes the losses of a batch; it is a module, because DDP needs one call per pass.

    Features are computed once and read by every label set on the photos that are annotated in it;
    the losses are added up over label sets.

    Source: He et al. 2020, eq. 11.
    """

    def __init__(
        self, network: GrapyNet, numbers: LossNumbers, part_weights: Mapping[str, Tensor]
    ) -> None:
        super().__init__()
        self.network = network
        self.numbers = numbers
        self.part_weights = dict(part_weights)
        self.targets = Targets(list(network.label_sets.values()), share_labels=numbers.share_labels)
        self.encode = torch.compile(network.encode) if numbers.compile else network.encode

    def train(self, mode: bool = True) -> "LossModule":
        """Switch to training mode, except for frozen modules."""
        super().train(mode)
        if self.numbers.freeze_batch_norm:
            for module in self.modules():
                if isinstance(module, NORMS):
                    module.eval()
        return self

    def targets_of(self, batch: Batch) -> dict[str, Target]:
        """Return the target of each head, at the resolution of the loss."""
        height, width = (-(-size // self.numbers.loss.stride) for size in batch.photos.shape[2:])
        label_maps = {
            name: sample_labels(label_map, height, width)
            for name, label_map in batch.label_maps.items()
        }
        return self.targets.of(batch, label_maps)

    def count(self, targets: Mapping[str, Target]) -> dict[str, Float[Tensor, ""]]:
        """Return the counts that the losses of targets are divided by, by data set."""
        counts = {}
        for dataset, target in targets.items():
            weights = self.part_weights.get(dataset)
            counts[dataset] = count_labels(target.parts, weights)
            if target.words is not None:
                allowed = self.targets.allowed_on(target.words.device)[dataset]
                counts[dataset] = counts[dataset] + count_words(target.words, allowed, weights)
        return counts

    def forward(
        self, batch: Batch, targets: Mapping[str, Target], counts: Mapping[str, Tensor]
    ) -> dict[str, Losses]:
        """Return the losses by data set.

        Args:
            targets: Those of the batch, by `targets_of`.
            counts: That the losses are divided by; more than `count(targets)` if the batch is only
                a part of a step.
        """
        features = self._encode(batch.images)
        losses = {}
        for dataset, target in targets.items():
            rows = target.rows
            logits = self.network.parse(
                features if len(rows) == len(features) else features[rows], dataset
            )
            at_photo = self.numbers.loss.stride == 1
            losses[dataset] = parsing_loss(
                logits.resized(*target.parts.shape[1:]) if at_photo else logits,
                target,
                allowed=self.targets.allowed_on(features.device)[dataset],
                weights=self.numbers.loss,
                lifts=[self.network.label_sets[dataset].lift(level) for level in COARSE_LEVELS],
                part_weights=self.part_weights.get(dataset),
                count=counts[dataset],
            )
        return losses

    def _encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c h4 w4"]:
        own = next(self.network.parameters()).dtype
        images = images.to(own, memory_format=torch.channels_last)
        dtype = DTYPES.get(self.numbers.precision)
        with torch.autocast(images.device.type, dtype) if dtype else nullcontext():
            return self.encode(images).to(own)
