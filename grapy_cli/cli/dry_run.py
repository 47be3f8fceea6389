"""Print the estimate of a dry run as a table."""

from collections.abc import Mapping

from grapy_cli.cli.console import show_table
from grapy_cli.cli.format_events import counts, time_of
from grapy_cli.train.dry_run import Estimate
from grapy_cli.train.targets import NONE, OWN


def show_estimate(estimate: Estimate) -> None:
    """Print the estimate on standard output."""
    show_table(["this run", ">"], _rows(estimate))


def _rows(one: Estimate) -> list[tuple[str, str]]:
    return [
        ("photos to train on", counts(one.photos)),
        *([("photos to label first", f"{one.to_label}")] if one.to_label else []),
        ("steps", f"{one.steps} of {one.batch_size} photos"),
        ("time of a step", f"{one.seconds_per_step:.3g} s"),
        ("share that waits for data", f"{one.waited:.0%}"),
        ("scorings on val", f"{one.scorings}, each {time_of(one.seconds_per_scoring)}"),
        ("time of the whole run", time_of(one.seconds)),
        ("GPU memory" if one.on_gpu else "memory", _size(one.memory)),
        ("size of a checkpoint", _size(one.checkpoint)),
        *_sources(one.label_sources),
    ]


def _sources(sources: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str]]:
    """Say where each head's labels come from, if not from its own data set alone."""
    if all(set(shares) <= {OWN, NONE} for shares in sources.values()):
        return []
    return [
        (f"labels of {head}", ", ".join(f"{share:.0%} {name}" for name, share in found.items()))
        for head, found in sources.items()
    ]


def _size(count: int | None) -> str:
    if count is None:
        return "unknown"
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
