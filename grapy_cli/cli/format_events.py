"""Format every event as one line of plain text."""

from collections.abc import Mapping

from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.runtime.reporting import Event, Progressed, Told, Warned
from grapy_cli.safe_text import spelled
from grapy_cli.train.events import (
    CheckpointSaved,
    Diverged,
    EpochScored,
    PhotosLabeled,
    RunStarted,
    StepDone,
)

STARVED = 0.1
"""Share of time waiting for data above which lines name it: below, more workers help little."""


def line_of(event: Event) -> str:
    """Return the line of an event; by default, its repr."""
    match event:
        case Progressed():
            note = f", {event.note}" if event.note else ""
            left = f", {time_of(event.seconds_left)} left" if event.seconds_left else ""
            return f"{event.work} {event.done}/{event.total}{note}{left}"
        case StepDone():
            return line_of(_training(event))
        case Told():
            return event.text
        case Warned():
            return f"warning: {event.text}"
        case PhotoParsed():
            first, *others = event.files or ("no file: the photo shows no part",)
            more = f" +{len(others)} more" if others else ""
            return f"{spelled(event.photo)} -> {spelled(first)}{more} ({event.seconds:.2f} s)"
        case PhotoRejected():
            return spelled(f"failed: {event.photo}: {event.reason}")
        case SampleRejected():
            return spelled(f"rejected: {event.split}/{event.key}: {event.reason}")
        case DatasetPrepared():
            rejected = f"; {event.rejected} rejected, see problems.csv" if event.rejected else ""
            return f"{event.name} is prepared in {event.folder}: {counts(event.photos)}{rejected}"
        case RunStarted():
            start = f"resumes at step {event.first_step}" if event.first_step else "starts"
            return (
                f"{event.stage} {start}, {event.steps} steps on {counts(event.datasets)} photos, "
                f"{event.parameters / 1e6:.1f} M parameters, in {event.folder}"
            )
        case PhotosLabeled():
            by_dataset = "; ".join(f"{name} {_said(of)}" for name, of in event.shares.items())
            rejected = f"; {event.rejected} could not be read" if event.rejected else ""
            return f"{event.by} labeled {event.photos} photos{rejected}: {by_dataset}"
        case EpochScored():
            scores = ", ".join(f"{name} {100 * iou:.2f}" for name, iou in event.mean_iou.items())
            best = " (best so far)" if event.best else ""
            return f"epoch {event.epoch + 1}: mean IoU {scores}{best}"
        case Diverged():
            photos = sum(map(len, event.photos))
            whose = f", with its {photos} photos" if photos else ""
            return f"the loss of step {event.step} is not finite: see diverged.json{whose}"
        case CheckpointSaved():
            return f"saved {event.folder} at step {event.step}"
        case _:
            return str(event)


def progress_of(event: Event) -> Progressed | None:
    """Return the progress in an event; None for other events."""
    match event:
        case Progressed():
            return event
        case StepDone():
            return _training(event)
        case _:
            return None


def style_of(event: Event) -> str:
    """Return the style of the line of an event."""
    return "yellow" if isinstance(event, Warned | PhotoRejected | SampleRejected | Diverged) else ""


def _said(shares: Mapping[str, float]) -> str:
    """Return the share of the labeled pixels, and of each part, largest first."""
    parts = sorted(shares.items(), key=lambda row: -row[1])
    named = ", ".join(f"{part} {share:.1%}" for part, share in parts if share)
    return f"{sum(shares.values()):.1%} of the pixels ({named})"


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
    """Return the losses of each data set after its name: "atr 0.513/0.498"."""
    by_dataset: dict[str, list[str]] = {}
    for name, value in losses.items():
        by_dataset.setdefault(name.partition("/")[0], []).append(f"{value:.3f}")
    return [f"{dataset} {'/'.join(values)}" for dataset, values in by_dataset.items()]


def time_of(seconds: float) -> str:
    """Return a time in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def counts(counted: Mapping[str, int]) -> str:
    """Return counts with their names, comma-separated."""
    return ", ".join(f"{count} {name}" for name, count in counted.items())
