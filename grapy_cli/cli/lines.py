"""Every event as one line of plain text."""

from collections.abc import Mapping
from functools import singledispatch

from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.runtime.reporting import Event, Progressed, Told, Warned
from grapy_cli.train.events import CheckpointSaved, EpochScored, RunStarted, StepDone


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
    return "yellow" if isinstance(event, Warned | PhotoRejected | SampleRejected) else ""


@line_of.register
def _(event: Progressed) -> str:
    note = f", {event.note}" if event.note else ""
    left = f", {_time_of(event.seconds_left)} left" if event.seconds_left else ""
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
    return f"{event.photo} -> {first}{more} ({event.seconds:.2f} s)"


@line_of.register
def _(event: PhotoRejected) -> str:
    return f"failed: {event.photo}: {event.reason}"


@line_of.register
def _(event: SampleRejected) -> str:
    return f"rejected: {event.split}/{event.key}: {event.reason}"


@line_of.register
def _(event: DatasetPrepared) -> str:
    rejected = f"; {event.rejected} rejected, see problems.csv" if event.rejected else ""
    return f"{event.name} is prepared in {event.folder}: {_counts(event.photos)}{rejected}"


@line_of.register
def _(event: RunStarted) -> str:
    start = f"goes on at step {event.first_step}" if event.first_step else "starts"
    return (
        f"{event.stage} {start}, {event.steps} steps on {_counts(event.datasets)} photos, "
        f"{event.parameters / 1e6:.1f} M parameters, in {event.folder}"
    )


@line_of.register
def _(event: EpochScored) -> str:
    scores = ", ".join(f"{name} {100 * iou:.2f}" for name, iou in event.mean_iou.items())
    return f"epoch {event.epoch}: mean IoU {scores}{' (best so far)' if event.best else ''}"


@line_of.register
def _(event: CheckpointSaved) -> str:
    return f"saved {event.folder} at step {event.step}"


def _training(event: StepDone) -> Progressed:
    losses = " ".join(f"{name} {loss:.3f}" for name, loss in event.losses.items())
    pace = f"lr {event.lr:.2g}, {event.photos_per_second:.1f} photos/s"
    note = f"epoch {event.epoch}, {losses}, {pace}"
    return Progressed("training", event.step, event.total, note)


def _time_of(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
