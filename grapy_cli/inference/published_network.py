"""A network that others trained, with what parsing needs of a network."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from grapy_cli.inference.photo_fit import PhotoFit
from grapy_cli.labels import IGNORE, LABEL_SETS, LabelSet
from grapy_cli.model.grapy import NetworkNumbers, ParsingLogits
from grapy_cli.model.weights import WeightsCard

Run = Callable[[UInt8[Tensor, "b 3 h w"]], Float[Tensor, "b p u v"]]
"""Pictures in, RGB in [0, 255]; logits of the network's own labels out."""

NEVER = -1e4
"""Logit of a part that the network has no label for; finite, since it is interpolated."""


class PublishedNetwork:
    """Has of `GrapyNet` what parsing needs, so that nothing around it knows the difference.

    It knows its own label set and those that its labels can be translated to.

    Differs: it takes pictures as bytes, in the size that its `fit` gives them. Its `encode` runs
    the whole network, so `features` are logits of the network's own labels.
    """

    def __init__(
        self, card: WeightsCard, run: Run, fit: PhotoFit, *, engine: str, precision: str
    ) -> None:
        [self.own] = card.load_label_sets()
        self.fit = fit
        self.engine = engine
        self.precision = precision
        self.numbers = NetworkNumbers()  # what tiles are cut by, which such a network has none of
        self.translations = card.load_translations()
        self.label_sets: Mapping[str, LabelSet] = {
            self.own.name: self.own,
            **{name: LABEL_SETS[name] for name in self.translations},
        }
        self._run = run

    def encode(self, pictures: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b p u v"]:
        """Compute the logits of the network's own labels, RGB in [0, 255]."""
        return self._run(pictures)

    def parse(self, features: Float[Tensor, "b p u v"], dataset: str) -> ParsingLogits:
        """Give the logits of one label set, translated where it is not the network's own."""
        if dataset != self.own.name:
            parts = self.label_sets[dataset].num_parts
            features = translate(features, self.translations[dataset], parts)
        return ParsingLogits(None, features)


def translate(
    logits: Float[Tensor, "b p u v"], table: Sequence[int], parts: int
) -> Float[Tensor, "b q u v"]:
    """Turn logits of one label set into those of another: probabilities of joined labels add up.

    Args:
        table: For each of them the target's part; IGNORE counts as background.
    """
    targets = [0 if part == IGNORE else part for part in table]
    translated = logits.new_full((logits.shape[0], parts, *logits.shape[2:]), NEVER)
    for part in sorted(set(targets)):
        sources = [index for index, target in enumerate(targets) if target == part]
        translated[:, part] = torch.logsumexp(logits[:, sources], 1)
    return translated
