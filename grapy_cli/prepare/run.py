"""Run `grapy prepare`: turn releases as downloaded into prepared data sets."""

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grapy_cli import __version__
from grapy_cli.atomic import write_text
from grapy_cli.data.layout import (
    CARD,
    PROBLEMS,
    REPORT,
    DatasetWriter,
    PreparedDataset,
    Problem,
)
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.image_io.archive import Place
from grapy_cli.prepare.audit import Audit, compare_published, count_problems, remarks_on
from grapy_cli.prepare.convert import convert_samples
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.prepare.finished import FINISHED, FinishedSamples
from grapy_cli.prepare.release import Contents, Release, find_release, read_release
from grapy_cli.prepare.report import render_report
from grapy_cli.prepare.sources import Source, sources_of
from grapy_cli.prepare.stock import Entry
from grapy_cli.prepare.synthetic.write_release import draw_release, folder_name
from grapy_cli.runtime.lock import locked
from grapy_cli.runtime.reporting import Reporter, Told, Warned, paced
from grapy_cli.safe_text import spelled
from grapy_cli.settings.settings import Settings

ROWS_SAID = 20  # rejected samples named on the screen; problems.csv has all


@dataclass(frozen=True)
class PrepareSummary:
    """The result of one `grapy prepare`."""

    datasets: tuple[DatasetPrepared, ...]
    """One for each named data set, including those that were complete before."""
    rejected: int
    """Photos rejected in this run, of all data sets."""


def run_prepare(settings: Settings, report: Reporter) -> PrepareSummary:
    """Prepare every data set that the settings name.

    Raises:
        SettingsError: If they name none.
        DatasetError: If a release is not found or has no usable sample; with `strict`, if it has
            any problem.
        LockedError: If another process prepares the same data set.
    """
    if not settings.data.dataset:
        raise SettingsError(
            "data.dataset is empty: name the data set to prepare",
            hint="--dataset cihp, atr, pascal, lip, synthetic, or a label file: my-labels.toml",
        )
    labels = settings.prepare.synthetic.labels
    sources = [
        source
        for name in settings.data.dataset
        for source in sources_of(name, synthetic_labels=labels)
    ]
    try:
        datasets = tuple(_prepare_dataset(source, settings, report) for source in sources)
    except OSError as error:  # reading has its own errors; this is a full or read-only disk
        raise DatasetError(f"{settings.data.root} cannot be written: {error}") from error
    return PrepareSummary(datasets, sum(dataset.rejected for dataset in datasets))


def _prepare_dataset(source: Source, settings: Settings, report: Reporter) -> DatasetPrepared:
    folder = settings.data.root / source.label_set.name
    if not (folder / CARD).exists():
        with locked(folder / ".prepare.lock"):
            if not (folder / CARD).exists():  # another process may just have finished it
                return _prepare_anew(source, folder, settings, report)
    return _already_prepared(source, folder, settings, report)


def _prepare_anew(
    source: Source, folder: Path, settings: Settings, report: Reporter
) -> DatasetPrepared:
    release = _find(source, settings, report)
    report(Told(f"{folder.name}: found as {release.layout.roots[0]} in {release.folder}"))
    _check_place(release, folder)
    contents = read_release(
        release, val_share=settings.prepare.val_share, seed=settings.prepare.seed
    )
    contents.notes += compare_published(contents.listed, source.published)
    for note in contents.notes:
        report(Told(f"{folder.name}: {note}"))
    writer = DatasetWriter(folder, source.label_set, settings.prepare.link)
    entries = list(contents.entries.values())
    finished = FinishedSamples(folder / FINISHED, _identity(entries, source, settings))
    writer.sweep()
    if finished.is_stale:
        writer.clear()
    _convert(entries, source, writer, finished, settings.prepare.processes, report)
    audit = Audit(source.label_set)
    for entry, finding in zip(entries, finished, strict=True):
        audit.add(entry, finding)
    done = _finish(release, contents, audit, writer, source, settings, report)
    finished.remove()
    report(done)
    return done


def _already_prepared(
    source: Source, folder: Path, settings: Settings, report: Reporter
) -> DatasetPrepared:
    prepared = PreparedDataset.open(folder)
    again = f"to prepare it again, remove {folder}"
    if prepared.label_set.digest != source.label_set.digest:
        raise DatasetError(f"{folder} was prepared with other parts; {again}")
    (folder / FINISHED).unlink(missing_ok=True)  # the earlier run was killed after its last sample
    report(Told(f"{folder.name} is already prepared, from {prepared.card.source}; {again}"))
    if source.drawn and folder_name(settings, source.drawn) not in prepared.card.source:
        report(Warned(f"{folder.name} was not drawn with these settings; {again}"))
    return DatasetPrepared(folder.name, str(folder), dict(prepared.splits), rejected=0)


def _find(source: Source, settings: Settings, report: Reporter) -> Release:
    root = settings.data.root
    given = settings.prepare.source
    if source.drawn:
        return find_release(source, [draw_release(settings, source.drawn, report)], any_name=True)
    if given is None:
        return find_release(source, [root / "raw", root], any_name=False)
    if not given.exists():
        raise DatasetError(f"the source {given} does not exist", hint="--source FOLDER_OR_ARCHIVE")
    if given.is_file():
        report(Told(f"reading {given} in place"))
    return find_release(source, [given], any_name=True)


def _check_place(release: Release, folder: Path) -> None:
    """Refuse to overwrite a release that lies in the folder of the prepared data set."""
    if not (
        isinstance(release.folder, Path) and folder.exists() and folder.samefile(release.folder)
    ):
        return
    inside = [name for name in ("images", "labels", "splits") if (folder / name).exists()]
    if inside and not (folder / FINISHED).exists():
        raise DatasetError(
            f"{folder} is the place of the prepared data set, but its {inside[0]}/ is not prepared",
            hint=f"Move it to {folder.parent / 'raw' / folder.name}.",
        )


def _identity(entries: Sequence[Entry], source: Source, settings: Settings) -> Iterator[object]:
    """Yield everything that the findings depend on."""
    yield from (__version__, source.label_set.digest, dict(source.colors), settings.prepare.link)
    for entry in entries:
        yield entry.key, entry.split
        for place in entry.files:
            yield str(place), _state_of(place)


def _state_of(place: Place) -> tuple[int, int] | None:
    """Return size and time of a file; None for a broken link, which is reported later."""
    try:
        state = place.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns


def _convert(
    entries: Sequence[Entry],
    source: Source,
    writer: DatasetWriter,
    finished: FinishedSamples,
    processes: int,
    report: Reporter,
) -> None:
    before, total, name = finished.num_done, len(entries), writer.folder.name
    if before:
        report(Told(f"{name}: {before} of {total} samples were finished by an earlier run"))
    rest = itertools.islice(entries, before, None)
    findings = convert_samples(rest, writer, source, workers=processes or os.cpu_count() or 1)
    for finding in paced(findings, f"preparing {name}", total, report, before=before):
        finished.add(finding)


def _finish(
    release: Release,
    contents: Contents,
    audit: Audit,
    writer: DatasetWriter,
    source: Source,
    settings: Settings,
    report: Reporter,
) -> DatasetPrepared:
    problems = contents.problems + audit.problems
    rejected = [row for row in problems if row.severity == "rejected"]
    splits = {
        split: [key for key in keys if key not in audit.left_out]
        for split, keys in contents.splits.items()
    }
    figures = {
        "photos": {split: len(keys) for split, keys in splits.items() if keys},
        "listed": contents.listed,
        "published": {split: list(numbers) for split, numbers in source.published.items()},
        "notes": contents.notes,
        "problems": count_problems(problems),
        **audit.figures(),
    }
    found_in = spelled(str(release.folder.resolve()))
    writer.write_problems(problems)
    page = render_report(source, figures, audit, contents, found_in)
    write_text(writer.folder / REPORT, page)
    _say(problems, rejected, writer, report)
    for remark in remarks_on(figures, source.label_set):
        report(Warned(f"{writer.folder.name}: {remark}"))
    if not any(splits.values()):
        why = f", the first because: {rejected[0].reason}" if rejected else ""
        raise DatasetError(
            f"nothing in {release.folder} can be used: photos rejected: {len(rejected)}{why}",
            hint=f"{writer.folder / PROBLEMS} names a reason for each photo.",
        )
    if settings.prepare.strict:
        _be_strict(problems, writer.folder)
    prepared = writer.finish(
        splits,
        extensions={Path(one.photo_name).suffix for one in contents.entries.values()},
        problems=problems,
        source=found_in,
        version=__version__,
        audit=figures,
        coarse=any(entry.coarse_names for entry in contents.entries.values()),
    )
    folder, photos = str(prepared.folder), dict(prepared.splits)
    return DatasetPrepared(prepared.name, folder, photos, len(rejected), figures)


def _say(
    problems: Sequence[Problem],
    rejected: Sequence[Problem],
    writer: DatasetWriter,
    report: Reporter,
) -> None:
    for row in rejected[:ROWS_SAID]:
        report(SampleRejected(row.key, row.split, row.reason))
    if len(rejected) > ROWS_SAID:
        report(Warned(f"and {len(rejected) - ROWS_SAID} more, in {writer.folder / PROBLEMS}"))
    if odd := sum(row.severity == "warning" for row in problems):
        report(Warned(f"{writer.folder.name}: warnings in {writer.folder / PROBLEMS}: {odd}"))


def _be_strict(problems: Sequence[Problem], folder: Path) -> None:
    serious = [row for row in problems if row.severity != "note"]
    if serious:
        named = ", ".join(f"{n} {problem}" for problem, n in count_problems(serious).items())
        raise DatasetError(
            f"{folder.name} has {len(serious)} problems: {named}",
            hint=f"{folder / REPORT} shows them; without --strict bad samples are left out.",
        )
