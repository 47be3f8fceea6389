"""The training loop: steps, and the scoring and saving between them."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import islice

from grapy_cli.data.sample import Batch
from grapy_cli.errors import InterruptedRun
from grapy_cli.runtime.device import peak_memory
from grapy_cli.runtime.interrupt import StopAskedError, StopRequest
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.train.checkpoints import Progress
from grapy_cli.train.data_wait import DataWait
from grapy_cli.train.events import CheckpointSaved, Diverged, EpochScored, StepDone
from grapy_cli.train.guards import NotFinite
from grapy_cli.train.job import TrainingJob
from grapy_cli.train.throughput import Reading, Throughput


def fit(
    job: TrainingJob, progress: Progress, report: Reporter, stop_asked: StopRequest
) -> Progress:
    """Train until the last epoch, scoring and saving on the way.

    Raises:
        InterruptedRun: If a signal came; the step is finished and everything is saved.
        DivergedError: If the loss is no longer finite.
    """
    throughput = Throughput()
    while progress.epoch < job.pace.epochs:
        if not progress.step_in_epoch and job.pace.relabels_before(progress.epoch):
            _relabel(job, report, stop_asked)
        progress = _fit_stretch(job, progress, report, stop_asked, throughput)
    return progress


def _relabel(job: TrainingJob, report: Reporter, stop_asked: StopRequest) -> None:
    """Label the photos again; a run that stops meanwhile starts this again when it resumes."""
    try:
        with stop_asked.at_once():
            job.relabel(report)
    except StopAskedError as error:
        raise InterruptedRun("stopped while photos were labeled; the rest is saved") from error


def _fit_stretch(
    job: TrainingJob,
    progress: Progress,
    report: Reporter,
    stop_asked: StopRequest,
    throughput: Throughput,
) -> Progress:
    """Train until the end, or until photos get new labels: workers have read old ones ahead."""
    end = job.pace.end_of_labels(progress.epoch)
    on_wait = DataWait(report, stop_asked, is_alone=job.world.size == 1)
    begun = progress.epoch, progress.step_in_epoch
    with closing(job.batches(*begun, on_wait)) as batches:
        try:
            while progress.epoch < end:
                job.loss_module.train()
                left = job.pace.steps_per_epoch - progress.step_in_epoch
                for batch in throughput.waiting_for(islice(batches, left)):
                    losses = _step(job, progress, batch, report)
                    progress = progress.after_step()
                    reading = throughput.read(len(batch.keys) * job.world.size)
                    report(_step_done(job, progress, batch.datasets, losses, reading))
                    if job.world.any(stop_asked()):
                        raise _stopped(job, progress, report)
                    if job.pace.saves_after(progress.step):
                        _save(job, progress, "last", report)
                progress = _finish_epoch(job, progress, report, stop_asked)
        except StopAskedError:
            raise _stopped(job, progress, report, together=False) from None
    return progress


def _stopped(
    job: TrainingJob, progress: Progress, report: Reporter, *, together: bool = True
) -> InterruptedRun:
    """Save a run that a signal stops.

    Args:
        together: Whether all processes are here; if not, none may wait for the others.
    """
    _save(job, progress, "last", report, together=together)
    return InterruptedRun(f"stopped after step {progress.step}; everything is saved")


def _step(
    job: TrainingJob, progress: Progress, batch: Batch, report: Reporter
) -> Mapping[str, float]:
    try:
        return job.step(batch, progress.step)
    except NotFinite as error:
        # Every process gets here at the same step, so their photos can be gathered.
        photos = job.world.gather([list(batch.keys)])
        report(_diverged(job, progress, error, batch.datasets, photos))
        raise


def _diverged(
    job: TrainingJob,
    progress: Progress,
    error: NotFinite,
    datasets: tuple[str, ...] = (),
    photos: Sequence[list[str]] = (),
) -> Diverged:
    return Diverged(
        step=progress.step,
        epoch=progress.epoch,
        what=error.message,
        lr=job.schedule.rate(progress.step),
        datasets=datasets,
        photos=list(photos),
        losses=error.losses,
    )


def _finish_epoch(
    job: TrainingJob, progress: Progress, report: Reporter, stop_asked: StopRequest
) -> Progress:
    """Score and save; a run that stops while it scores starts this again when it resumes."""
    epoch = progress.epoch
    progress = progress.after_epoch()
    scores: dict[str, float] = {}
    if job.pace.scores_after(epoch):
        scores = job.score(progress.epoch, stop_asked.at_once)
    if scores:
        progress, better = progress.after_scores(scores)
        report(EpochScored(epoch, progress.step, scores, "best" in better))
        for name in better:
            _save(job, progress, name, report)
    # A run that stops while it labels photos again must resume with the weights that label.
    is_due = progress.epoch == job.pace.epochs or job.pace.relabels_before(progress.epoch)
    if not job.pace.save_every or is_due:
        _save(job, progress, "last", report)
    return progress


def _save(
    job: TrainingJob, progress: Progress, name: str, report: Reporter, *, together: bool = True
) -> None:
    # A finite loss can have infinite gradients: their result must not replace a good checkpoint.
    if not all(parameter.isfinite().all() for parameter in job.trained.network.parameters()):
        error = NotFinite(f"after step {progress.step} there are parameters that are not finite")
        report(_diverged(job, progress, error))
        raise error
    if job.world.is_main:
        report(CheckpointSaved(str(job.save(progress, name)), progress.step))
    if together:
        job.world.barrier()


def _step_done(
    job: TrainingJob,
    progress: Progress,
    datasets: tuple[str, ...],
    losses: Mapping[str, float],
    reading: Reading,
) -> StepDone:
    return StepDone(
        step=progress.step,
        total=job.pace.steps,
        epoch=progress.epoch,
        datasets=datasets,
        losses={name: round(value, 5) for name, value in losses.items()},
        lr=job.schedule.rate(progress.step - 1),
        photos_per_second=round(reading.photos_per_second, 2),
        waited=round(reading.waited, 3),
        seconds_left=round(reading.seconds * (job.pace.steps - progress.step), 1),
        memory=peak_memory(job.device),
    )
