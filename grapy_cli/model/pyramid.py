"""The graph pyramid: three levels of graphs refine the decoder's features, coarse to fine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from grapy_cli.labels import LabelSet, Level
from grapy_cli.model.graph import GraphReasoning, Pooling, Reasoning, aggregate, distribute


@dataclass(frozen=True)
class PyramidNumbers:
    """How a pyramid is built; defaults are the paper's, the other values are its Table 4."""

    levels: Literal["1-2-3", "3"] = "1-2-3"
    pooling: Pooling = "both"
    reasoning: Reasoning = "attention"
    rounds: int = 3


class GraphPyramid(nn.Module):
    """Refine features by the parsing that was computed from them.

    All label sets share levels 1 and 2, and each has its level 3. So data sets with different
    labels help each other.

    Source: He et al. 2020, eqs. 2 to 9, and GPM-based Mutual Learning (eq. 11).
    Differs: all label sets also share the reference's `transform` of each level, and its fusion
        with one 1x1 convolution more than the paper's eqs. 7 and 9 have.
    """

    def __init__(
        self, label_sets: Sequence[LabelSet], channels: int, numbers: PyramidNumbers
    ) -> None:
        super().__init__()
        self.levels = [Level(int(floor)) for floor in numbers.levels.split("-")]
        self.pooling: Pooling = numbers.pooling
        width = channels * (2 if numbers.pooling == "both" else 1)
        self.num_nodes: dict[Level, dict[str, int]] = {
            level: {labels.name: len(labels.nodes(level)) for labels in label_sets}
            for level in self.levels
        }
        self.reasoning = nn.ModuleDict()
        for labels in label_sets:
            for level in self.levels:
                # To overwrite it would give each label set its own coarse levels.
                if (name := _block(level, labels.name)) not in self.reasoning:
                    self.reasoning[name] = GraphReasoning(
                        width,
                        channels,
                        _categories(labels, level),
                        rounds=numbers.rounds,
                        reasoning=numbers.reasoning,
                    )
                # On the CPU even if the network is built on the meta device: no file holds it.
                lift = torch.tensor(labels.lift(level), device="cpu")
                self.register_buffer(_lift(level, labels.name), lift, persistent=False)
        self.transforms = nn.ModuleDict(
            {level.name.lower(): nn.Linear(channels, channels) for level in self.levels}
        )
        self.fusion = nn.Sequential(
            nn.Conv2d((1 + len(self.levels)) * channels, 2 * channels, 1),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def lift(self, level: Level, dataset: str) -> Int[Tensor, " p"]:
        """Return the node at a level for each part of a label set."""
        return self.get_buffer(_lift(level, dataset))

    def reason(
        self, nodes: Float[Tensor, "b n d"], level: Level, dataset: str
    ) -> Float[Tensor, "b n c"]:
        """Turn aggregated nodes into the vectors that are added to their pixels."""
        refined = self.reasoning[_block(level, dataset)](nodes)
        return self.transforms[level.name.lower()](refined)

    def forward(
        self, features: Float[Tensor, "b c h w"], label_map: Int[Tensor, "b h w"], dataset: str
    ) -> Float[Tensor, "b c h w"]:
        """Refine features by a first parsing.

        This is the definition in the order of the paper; `fused.refine` computes the same faster.
        """
        floors = [features]
        for level in self.levels:
            lift = self.lift(level, dataset)
            node_map = lift[label_map]
            nodes = aggregate(floors[-1], node_map, self.num_nodes[level][dataset], self.pooling)
            floors.append(floors[-1] + distribute(self.reason(nodes, level, dataset), node_map))
        return F.relu(self.fusion(torch.cat(floors, 1)))


def _block(level: Level, dataset: str) -> str:
    return f"part-{dataset}" if level == Level.PART else level.name.lower()


def _lift(level: Level, dataset: str) -> str:
    return f"lift-{level.name.lower()}-{dataset}"


def _categories(labels: LabelSet, level: Level) -> list[int]:
    """Return the level-2 group of each node; the person of level 1 counts as torso."""
    match level:
        case Level.HUMAN:
            return [0, 2]
        case Level.CATEGORY:
            return list(range(len(labels.nodes(Level.CATEGORY))))
        case Level.PART:
            return list(labels.lift(Level.CATEGORY))
