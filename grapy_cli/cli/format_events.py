"""Every event as one line of plain text."""

from collections.abc import Mapping
from functools import singledispatch

from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.runtime.reporting import Event, Progressed, Told, Warned
from grapy_cli.safe_text import spelled
from grapy_cli.train.events import (
    CheckpointSaved,
    Diverged,
    EpochScored,
    PhotosLabelled,
    RunStarted,
    StepDone,
)

STARVED = 0.1
"""A share of time waiting for data that is worth a word: below it, more workers help little."""


@singledispatch
def line_of(event: Event) -> str:
    """Say an event in a line; one that has no words of its own is shown as it is."""
    return str(event)


def progress_of(event: Event) -> Progressed | None:
    """The progress an event stands for; None where it is news of its own."""
    match event:
        case Progressed():
            return event
        case StepDone():
            return _training(event)
        case _:
            return None


def style_of(event: Event) -> str:
    """The colour of an event's line where there are colours."""
    return "yellow" if isinstance(event, Warned | PhotoRejected | SampleRejected | Diverged) else ""


@line_of.register
def _(event: Progressed) -> str:
    note = f", {event.note}" if event.note else ""
    left = f", {time_of(event.seconds_left)} left" if event.seconds_left else ""
    return f"{event.work} {event.done}/{event.total}{note}{left}"


@line_of.register
def _(event: StepDone) -> str:
    return line_of(_training(event))


@line_of.register
def _(event: Told) -> str:
    return event.text


@line_of.register
def _(event: Warned) -> str:
    return f"warning: {event.text}"


@line_of.register
def _(event: PhotoParsed) -> str:
    first, *others = event.files or ("nothing to write: no part is there",)
    more = f" +{len(others)} more" if others else ""
    return f"{spelled(event.photo)} -> {spelled(first)}{more} ({event.seconds:.2f} s)"


@line_of.register
def _(event: PhotoRejected) -> str:
    return spelled(f"failed: {event.photo}: {event.reason}")


@line_of.register
def _(event: SampleRejected) -> str:
    return spelled(f"rejected: {event.split}/{event.key}: {event.reason}")


@line_of.register
def _(event: DatasetPrepared) -> str:
    rejected = f"; {event.rejected} rejected, see problems.csv" if event.rejected else ""
    return f"{event.name} is prepared in {event.folder}: {counts(event.photos)}{rejected}"


@line_of.register
def _(event: RunStarted) -> str:
    start = f"goes on at step {event.first_step}" if event.first_step else "starts"
    return (
        f"{event.stage} {start}, {event.steps} steps on {counts(event.datasets)} photos, "
        f"{event.parameters / 1e6:.1f} M parameters, in {event.folder}"
    )


@line_of.register
def _(event: PhotosLabelled) -> str:
    def said(shares: Mapping[str, float]) -> str:
        parts = sorted(shares.items(), key=lambda row: -row[1])
        named = ", ".join(f"{part} {share:.1%}" for part, share in parts if share)
        return f"{sum(shares.values()):.1%} of the pixels ({named})"

    by_dataset = "; ".join(f"{name} {said(shares)}" for name, shares in event.shares.items())
    rejected = f"; {event.rejected} could not be read" if event.rejected else ""
    return f"{event.by} labelled {event.photos} photos{rejected}: {by_dataset}"


@line_of.register
def _(event: EpochScored) -> str:
    scores = ", ".join(f"{name} {100 * iou:.2f}" for name, iou in event.mean_iou.items())
    return f"epoch {event.epoch + 1}: mean IoU {scores}{' (best so far)' if event.best else ''}"


@line_of.register
def _(event: Diverged) -> str:
    photos = sum(map(len, event.photos))
    whose = f"its {photos} photos are" if photos else "it is"
    return f"step {event.step} is not finite: {whose} written down in diverged.json"


@line_of.register
def _(event: CheckpointSaved) -> str:
    return f"saved {event.folder} at step {event.step}"


def _training(event: StepDone) -> Progressed:
    facts = [f"epoch {event.epoch + 1}", *_losses(event.losses), f"lr {event.lr:.2g}"]
    facts.append(f"{event.photos_per_second:.1f} photos/s")
    if event.waited > STARVED:
        facts.append(f"{event.waited:.0%} waiting for data")
    if event.memory is not None:
        facts.append(f"{event.memory / 2**30:.1f} GiB")
    note = ", ".join(facts)
    return Progressed("training", event.step, event.total, note, event.seconds_left)


def _losses(losses: Mapping[str, float]) -> list[str]:
    """A data set's losses behind its name: "atr 0.513/0.498"."""
    by_dataset: dict[str, list[str]] = {}
    for name, value in losses.items():
        by_dataset.setdefault(name.partition("/")[0], []).append(f"{value:.3f}")
    return [f"{dataset} {'/'.join(values)}" for dataset, values in by_dataset.items()]


def time_of(seconds: float) -> str:
    """A time as a person says it, in one unit."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def counts(counted: Mapping[str, int]) -> str:
    """How many of what."""
    return ", ".join(f"{count} {name}" for name, count in counted.items())
