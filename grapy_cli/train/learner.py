"""The network as training sees it: one forward pass that gives the losses of a batch."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from grapy_cli.data.sample import Batch
from grapy_cli.model.deeplab import resize
from grapy_cli.model.grapy import GrapyNet, ParsingLogits
from grapy_cli.train.losses import Losses, parsing_loss


@dataclass(frozen=True)
class LossNumbers:
    """What the loss counts; the defaults are the paper's."""

    main: float = 1.0
    refined: float = 1.0
    stride: int = 1
    """1: at the images' size; 4: at the features' size."""


class Learner(nn.Module):
    """Images and label maps in, losses out: a module, so that DDP sees one call per step.

    Features are computed once and read by every label set the batch is annotated in; the losses
    are added up over them.

    Source: He et al. 2020, eq. 11.
    """

    def __init__(
        self, network: GrapyNet, numbers: LossNumbers, part_weights: Mapping[str, Tensor]
    ) -> None:
        super().__init__()
        self.network = network
        self.numbers = numbers
        self.part_weights = dict(part_weights)

    def forward(self, batch: Batch) -> dict[str, Losses]:
        """Return the losses by data set."""
        images = batch.images.contiguous(memory_format=torch.channels_last)
        features = self.network.encode(images.to(next(self.network.parameters()).dtype))
        return {
            dataset: parsing_loss(
                self._sized(self.network.parse(features, dataset), label_map),
                label_map,
                main_weight=self.numbers.main,
                refined_weight=self.numbers.refined,
                part_weights=self.part_weights.get(dataset),
            )
            for dataset, label_map in batch.label_maps.items()
        }

    def _sized(self, logits: ParsingLogits, label_map: Tensor) -> ParsingLogits:
        if self.numbers.stride != 1:
            return logits
        height, width = label_map.shape[1:]
        refined = logits.refined
        return ParsingLogits(
            None if refined is None else resize(refined, height, width),
            resize(logits.main, height, width),
        )


class RunningAverage:
    """An exponential moving average of a network's state, which parses better than the last step's.

    Args:
        network: Whose state is followed.
        decay: Weight of the past per step; it starts lower, so that the beginning is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the state after a step, counted from 0."""
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value.detach(), share)
            else:
                self.state[key].copy_(value)
