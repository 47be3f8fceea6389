"""Build the order of training photos from settings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from grapy_cli.data.batches import SamplingPlan
from grapy_cli.data.dataset import Group
from grapy_cli.errors import SettingsError
from grapy_cli.labels import dataset_name
from grapy_cli.settings.settings import Settings


def build_sampling_plan(
    settings: Settings, groups: Sequence[Group], processes: int
) -> SamplingPlan:
    """Decide which photos make up epochs and steps; the processes share each step.

    Raises:
        SettingsError: If the batch cannot be divided, or shares contradict the data sets.
    """
    train = settings.train
    passes = processes * train.accumulate
    _check_batch(train.batch_size, processes, train.accumulate, 1 if train.freeze_batch_norm else 2)
    sizes = tuple(len(group.keys) for group in groups)
    shares = _shares(settings, groups)
    sampling = SamplingPlan(sizes, train.batch_size, train.seed, train.mixing, shares)
    smallest = sampling.smallest_batch(passes, _least(groups, sampling.fractions))
    if train.mixing == "mixed" and train.batch_size < smallest:
        even = replace(sampling, shares=_weights(groups, balanced=True))
        balanced = even.smallest_batch(passes, _least(groups, even.fractions))
        raise SettingsError(
            f"train.batch_size: {train.batch_size} is too small for a mixed step: with these "
            f"shares, each of {_passes(processes, train.accumulate)} would not always get a photo "
            "of every data set",
            hint=f"Use --batch-size {smallest}; or --sampling balanced, which needs "
            f"{balanced}; or --mixing alternate.",
        )
    return sampling


def _shares(settings: Settings, groups: Sequence[Group]) -> tuple[float, ...] | None:
    """Return the share of each group in an epoch; None without such settings."""
    train = settings.train
    balanced = train.sampling == "balanced"
    names = list(dict.fromkeys(map(dataset_name, settings.data.dataset)))
    if train.shares and len(train.shares) != len(names):
        raise SettingsError(
            f"train.shares: {len(train.shares)} numbers for {len(names)} data sets",
            hint=f"Give one for each of {', '.join(names)}, in this order.",
        )
    if not (balanced or train.shares or any(group.share != 1 for group in groups)):
        return None
    weights = _weights(groups, balanced=balanced)
    if not (balanced or train.shares):
        return weights
    if any(len(group.datasets) > 1 for group in groups):
        raise SettingsError(
            "--sampling and --shares need data.join_photos = false",
            hint="With joined photos, no data set has a separate share: leave out one of them.",
        )
    asked = dict(zip(names, train.shares or [1.0] * len(names), strict=True))
    return tuple(
        asked[group.datasets[0]] * weight for group, weight in zip(groups, weights, strict=True)
    )


def _weights(groups: Sequence[Group], *, balanced: bool) -> tuple[float, ...]:
    """Return the share of each group in an epoch, in any unit, before factors apply.

    Args:
        balanced: Every data set has the same share, over all its folders.
    """
    sizes = Counter[tuple[str, ...]]()
    for group in groups:
        sizes[group.datasets] += len(group.keys)
    return tuple(
        group.share * len(group.keys) / (sizes[group.datasets] if balanced else 1)
        for group in groups
    )


def _least(groups: Sequence[Group], fractions: Sequence[Fraction]) -> Fraction:
    """Return the share of the data set with the smallest share, by its largest group."""
    most: dict[str, Fraction] = {}
    for group, fraction in zip(groups, fractions, strict=True):
        for name in group.datasets:
            most[name] = max(fraction, most.get(name, fraction))
    return min(most.values())


def _check_batch(batch_size: int, processes: int, accumulate: int, at_least: int) -> None:
    passes = processes * accumulate
    among = _passes(processes, accumulate)
    if batch_size % passes:
        raise SettingsError(
            f"train.batch_size: {batch_size} cannot be divided among {among}",
            hint=f"Use --batch-size {max(at_least, batch_size // passes) * passes}.",
        )
    if batch_size // passes < at_least:
        raise SettingsError(
            f"train.batch_size: {batch_size} leaves fewer than {at_least} photos to each of "
            f"{among}, but batch norm after the global pool needs {at_least}",
            hint=f"Use --batch-size {at_least * passes} or more.",
        )


def _passes(processes: int, accumulate: int) -> str:
    """Say what a step is divided among."""
    if accumulate == 1:
        return f"{processes} processes"
    return f"{accumulate} passes" + (f" of {processes} processes" if processes > 1 else "")
