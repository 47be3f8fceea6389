"""Run `grapy predict`: parse photos and write masks."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.inference.build import load_parser
from grapy_cli.model.weights import (
    WeightsCard,
    read_card,
    resolve_weights,
    revision_of,
    weights_digest,
)
from grapy_cli.predict.events import PhotoRejected
from grapy_cli.predict.job import Job
from grapy_cli.predict.manifest import Manifest, Shard
from grapy_cli.predict.output_folder import joining, open_folder, tidy
from grapy_cli.predict.outputs.finalize import finish, spare_names
from grapy_cli.predict.outputs.kinds import plan_kinds
from grapy_cli.predict.outputs.photo_results import Results
from grapy_cli.predict.outputs.ranking import advice
from grapy_cli.predict.outputs.videos import check_video_outputs
from grapy_cli.predict.plan import Plan, choose_datasets, comparable, recipe_of, spare_photos
from grapy_cli.predict.progress import RunProgress
from grapy_cli.predict.sources import STANDARD_INPUT, find_photos, name_masks
from grapy_cli.runtime.interrupt import deferred_interrupts
from grapy_cli.runtime.launch import is_launched, launch
from grapy_cli.runtime.reporting import Event, Reporter, Told, Warned
from grapy_cli.runtime.world import world_of_environment
from grapy_cli.settings.handover import handed_over
from grapy_cli.settings.settings import Settings

NOT_OF_A_RESULT = frozenset({"out", "gallery", "contact_sheet"})
"""Fields of `predict` that do not change the files of a photo."""

STANDARD_OUTPUT = Path("-")
"""What `--out` names for the result of one photo."""

LOOKED_AT = 3
"""Photos to check that the end of a run names, if it has more than these."""


@dataclass(frozen=True)
class PredictSummary:
    """How many photos were parsed, and how many failed."""

    parsed: int
    failed: int
    kept: int = 0
    """Parsed by an earlier run."""


@dataclass(frozen=True)
class PlannedPhoto:
    """What a run would do for one photo."""

    photo: str
    files: tuple[str, ...]
    """Relative to the output folder."""
    is_done: bool


def run_predict(sources: Sequence[str], settings: Settings, reporter: Reporter) -> PredictSummary:
    """Parse photos and write the results; a photo that fails is reported, and the run continues.

    Photos that an earlier run parsed with the same settings are skipped.

    Raises:
        SettingsError: If a source does not exist, a mask would overwrite a photo, or another run
            uses the output folder.
        WeightsError: If the weights cannot be read.
        DatasetError: If the weights do not know a label set.
        DeviceError: If the device is absent or out of memory.
        PhotoError: If results cannot be written, or at the first failure with `fail_fast`.
        InterruptedRun: If a signal stopped the run; the same command resumes it.
    """
    if settings.predict.out == STANDARD_OUTPUT:
        return _write_to_standard_output(sources, settings, reporter)
    plan, card = _plan(sources, settings)
    out, world = settings.predict.out, world_of_environment()
    shard = Shard.read(settings.batch.shard).split(world.rank, world.size)
    with _writing_to(out):
        tidy(out, plan.sources)
        if settings.run.gpus > 1 and not is_launched():
            return _launch(sources, settings, plan)
        report = reporter if world.is_main else _failures_only(reporter)
        report(Told(_introduce(card, settings.infer.weights)))
        with open_folder(out, plan.sources, shard) as manifest:
            return _parse_photos(plan, shard, manifest, settings, report)


def _write_to_standard_output(
    sources: Sequence[str], settings: Settings, reporter: Reporter
) -> PredictSummary:
    """Parse one photo into a temporary folder, and write its result to standard output."""
    with TemporaryDirectory() as scratch:
        settings = settings.having("predict", out=Path(scratch)).having("run", gpus=1)
        plan, _ = _plan(sources, settings)
        if len(plan.photos) > 1:
            _refuse_output(f"{len(plan.photos)} photos")
        [photo], [name] = plan.photos, plan.names
        results = plan.results_of(photo)
        paths = results.paths(name)
        if len(results.kinds) > 1 or len(paths) > 1:
            _refuse_output("several files")
        if sys.stdout.isatty():
            raise SettingsError(
                "--out - would write a picture to the terminal",
                hint="Send it to a file: grapy predict ... --out - > mask.png",
            )
        summary = run_predict(sources, settings, reporter)
        if not summary.failed:
            sys.stdout.buffer.write(paths[0].read_bytes())
            sys.stdout.buffer.flush()
        return summary


def _refuse_output(what: str) -> NoReturn:
    raise SettingsError(
        f"--out - writes one file of one photo, and this would be {what}",
        hint="Name a folder: --out masks.",
    )


def plan_predict(sources: Sequence[str], settings: Settings) -> Iterator[PlannedPhoto]:
    """Give what `run_predict` would do for each photo; nothing is written.

    Raises:
        SettingsError, WeightsError, DatasetError: As `run_predict`.
    """
    out = settings.predict.out
    plan, _ = _plan(sources, settings)
    known = {} if settings.batch.overwrite else Manifest(out, plan.sources, Shard()).recall()
    for task in plan.tasks(Shard.read(settings.batch.shard)):
        results = plan.results_of(task.photo)
        files = [path.relative_to(out).as_posix() for path in results.paths(task.name)]
        try:
            done = plan.check(task, known)[1] is not None
        except PhotoError:
            done = False
        yield PlannedPhoto(str(task.photo), tuple(files), done)


def _plan(sources: Sequence[str], settings: Settings) -> tuple[Plan, WeightsCard]:
    options, out = settings.predict, settings.predict.out
    photos = find_photos(sources, leave_out=out)
    weights = resolve_weights(settings.infer.weights)
    card, digest = read_card(weights, settings.infer.labels), weights_digest(weights)
    known = [labels.name for labels in card.load_label_sets()]
    readable = card.readable_label_sets()
    datasets = choose_datasets(settings.data.dataset, known, readable)
    label_sets = [readable[name] for name in datasets]
    save = [*options.save, *(["disagreement"] if options.consistency else [])]
    if any(photo.is_video for photo in photos):
        check_video_outputs(save)
    kinds = plan_kinds(
        label_sets,
        options.levels,
        save,
        only=options.only,
        remap=options.remap,
        alpha=options.overlay_alpha,
        thumbnails=options.gallery or options.contact_sheet,
    )
    choices = {
        "predict": options.model_dump(mode="json", exclude=set(NOT_OF_A_RESULT)),
        "infer": settings.infer.model_dump(mode="json", exclude={"weights"}),
    }
    names = name_masks(photos)
    recipe = recipe_of(digest, choices, label_sets, kinds)
    parsed_by = comparable(known) if options.consistency else datasets
    name = f"{card.name}@{revision_of(weights, digest)}"
    plan = Plan(photos, names, parsed_by, Results(out, kinds), recipe, name)
    spare_photos(plan)
    spare_names(names, kinds, out)
    return plan, card


def _parse_photos(
    plan: Plan, shard: Shard, manifest: Manifest, settings: Settings, report: Reporter
) -> PredictSummary:
    batch = settings.batch
    known = {} if batch.overwrite else manifest.recall()
    parser = load_parser(settings, world_of_environment())
    if parser.reduced_jpeg and plan.results.show_photo:
        parser = replace(parser, reduced_jpeg=False)
        report(Told("JPEGs are decoded at their own size, since an output shows the photo"))
    parser.tiles.told = lambda text: report(Warned(text))
    tasks = plan.tasks(shard)
    progress = RunProgress(len(tasks), report)
    job = Job(parser, plan, known, report, batch.size)
    with (
        deferred_interrupts() as stop_asked,
        closing(job.run(tasks, stop_asked)) as outcomes,
    ):
        for outcome in outcomes:
            if not outcome.was_done:
                manifest.add(outcome.row)
            progress.add(outcome)
            if batch.fail_fast and outcome.has_failed:
                raise PhotoError(
                    outcome.row["reason"],
                    hint="Run the same command again to retry it and parse the rest.",
                )
    with joining(plan.results.out):
        is_whole = manifest.fold()
        progress.end()
        if is_whole:
            _finish(plan, manifest, settings, report)
    failed = progress.failed
    if is_launched():  # the launcher stops all processes when one fails, so only the last one may
        failed = manifest.count()[1] if is_whole else 0
    return PredictSummary(progress.parsed, failed, progress.kept)


def _finish(plan: Plan, manifest: Manifest, settings: Settings, report: Reporter) -> None:
    """Write the files about all photos together; the shard that ends last does this."""
    out, kinds = plan.results.out, plan.results.kinds
    options = settings.predict
    whole = {"gallery": options.gallery, "sheet": options.contact_sheet}
    for path in finish(out, kinds, manifest.rows, manifest.failures, **whole):
        report(Told(f"wrote {path}"))
    own = set(plan.sources)
    if len(own) > LOOKED_AT:
        report(Told(advice((row for row in manifest.rows if row["source"] in own), LOOKED_AT)))


def _launch(sources: Sequence[str], settings: Settings, plan: Plan) -> PredictSummary:
    """Start several processes, which share the photos and call `run_predict` again."""
    if STANDARD_INPUT in sources:
        raise SettingsError(
            "several processes cannot share standard input",
            hint="Write the list to a file and name it as @list.txt.",
        )
    out = settings.predict.out
    manifest = Manifest(out, plan.sources, Shard())
    try:
        with handed_over(settings) as file:
            arguments = ["predict", "--config", str(file), "--", *sources]
            launch(arguments, settings.run.gpus, go_on="the same command")
    except PhotoError:  # photos that failed are reported; any other error leaves photos undone
        if sum(manifest.count()) < len(plan.photos):
            raise
    finally:
        tidy(out, plan.sources)  # after a process that crashed
    done, failed = manifest.count()
    return PredictSummary(done, failed)


def _failures_only(reporter: Reporter) -> Reporter:
    """Report only failures and warnings: one process reports the progress."""

    def report(event: Event) -> None:
        if isinstance(event, PhotoRejected | Warned):
            reporter(event)

    return report


def _introduce(card: WeightsCard, weights: Path | None) -> str:
    if weights is not None:
        return f"using the weights {weights} ({card.name})"
    return (
        f"using the small embedded weights {card.name}; `grapy weights info` shows their limits, "
        "`grapy train` and `grapy weights import` make larger ones"
    )


@contextmanager
def _writing_to(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PhotoError(
            f"results cannot be written to {out}: {error}",
            hint="Files that were written before are complete; the same command resumes the run.",
        ) from error
