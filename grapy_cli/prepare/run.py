"""The whole work of `grapy prepare`: from releases as downloaded to prepared data sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grapy_cli import __version__
from grapy_cli.data.layout import CARD, PROBLEMS, DatasetWriter, PreparedDataset, Problem
from grapy_cli.errors import DatasetError, SettingsError
from grapy_cli.prepare.archive import unpack
from grapy_cli.prepare.convert import convert_samples
from grapy_cli.prepare.events import DatasetPrepared, SampleRejected
from grapy_cli.prepare.release import Contents, Release, find_release, read_release
from grapy_cli.prepare.sources import SYNTHETIC, Source, source_of
from grapy_cli.prepare.synthetic import draw_release
from grapy_cli.runtime.reporting import Progressed, Reporter, Told, Warned
from grapy_cli.settings.settings import Settings


@dataclass(frozen=True)
class PrepareSummary:
    """What one `grapy prepare` did."""

    datasets: tuple[DatasetPrepared, ...]
    """One for each data set that was asked for, those that were complete already included."""
    rejected: int
    """Photos rejected in this run, over all data sets."""


def run_prepare(settings: Settings, report: Reporter) -> PrepareSummary:
    """Prepare every data set that the settings name.

    Raises:
        SettingsError: If they name none.
        DatasetError: If a release is not found, or nothing in it can be used.
    """
    if not settings.data.dataset:
        raise SettingsError(
            "data.dataset: which data set is to be prepared?",
            hint="--dataset cihp, atr, pascal, synthetic, or a label file such as my-labels.toml",
        )
    sources = [source_of(name) for name in settings.data.dataset]
    try:
        datasets = tuple(_prepare_dataset(source, settings, report) for source in sources)
    except OSError as error:  # reading has its own errors; this is a full or forbidden disk
        raise DatasetError(f"{settings.data.root} cannot be written: {error}") from error
    return PrepareSummary(datasets, sum(dataset.rejected for dataset in datasets))


def _prepare_dataset(source: Source, settings: Settings, report: Reporter) -> DatasetPrepared:
    name = source.label_set.name
    folder = settings.data.root / name
    if (folder / CARD).exists():
        return _already_prepared(source, folder, report)
    release = _find(source, settings, report)
    report(Told(f"{name}: found as {release.layout.roots[0]} in {release.folder}"))
    contents = read_release(
        release, val_share=settings.prepare.val_share, seed=settings.prepare.seed
    )
    for note in contents.notes:
        report(Told(f"{name}: {note}"))
    return _convert(release, contents, source, folder, settings.prepare.processes, report)


def _already_prepared(source: Source, folder: Path, report: Reporter) -> DatasetPrepared:
    prepared = PreparedDataset.open(folder)
    again = f"to prepare it again, remove {folder}"
    if prepared.label_set.digest != source.label_set.digest:
        raise DatasetError(f"{folder} was prepared with other parts; {again}")
    report(Told(f"{folder.name} is already prepared, from {prepared.card.source}; {again}"))
    return DatasetPrepared(folder.name, str(folder), dict(prepared.splits), rejected=0)


def _find(source: Source, settings: Settings, report: Reporter) -> Release:
    root = settings.data.root
    given = settings.prepare.source
    if source.label_set is SYNTHETIC:
        given = root / "raw" / SYNTHETIC.name
        draw_release(given, SYNTHETIC, seed=settings.prepare.seed)
    if given is None:
        return find_release(source, [root / "raw", root], any_name=False)
    if given.is_file():
        report(Told(f"unpacking {given}"))
        given = unpack(given, root / "raw")
    return find_release(source, [given], any_name=True)


def _convert(
    release: Release,
    contents: Contents,
    source: Source,
    folder: Path,
    workers: int,
    report: Reporter,
) -> DatasetPrepared:
    """Convert all entries, write lists and problems, and say what became of it."""
    writer = DatasetWriter(folder, source.label_set)
    entries = contents.entries.values()
    found = convert_samples(entries, writer, source.colors, workers=workers)
    converted = [row for row in _counted(found, folder.name, len(entries), report) if row]
    broken = {row.key for row in converted if row.severity == "rejected"}
    contents.splits = {
        split: [key for key in keys if key not in broken] for split, keys in contents.splits.items()
    }
    contents.problems += converted
    return _finish(release, contents, writer, report)


def _finish(
    release: Release, contents: Contents, writer: DatasetWriter, report: Reporter
) -> DatasetPrepared:
    rejected = [problem for problem in contents.problems if problem.severity == "rejected"]
    for problem in rejected:
        report(SampleRejected(problem.key, problem.split, problem.reason))
    if not any(contents.splits.values()):
        why = f", the first because: {rejected[0].reason}" if rejected else ""
        raise DatasetError(
            f"nothing in {release.folder} can be used: {len(rejected)} photos rejected{why}"
        )
    prepared = writer.finish(
        contents.splits,
        extensions={entry.photo.suffix for entry in contents.entries.values()},
        problems=contents.problems,
        source=str(release.folder.resolve()),
        version=__version__,
    )
    if odd := len(contents.problems) - len(rejected):
        report(Warned(f"{prepared.name}: warnings in {prepared.folder / PROBLEMS}: {odd}"))
    folder, photos = str(prepared.folder), dict(prepared.splits)
    done = DatasetPrepared(prepared.name, folder, photos, len(rejected))
    report(done)
    return done


def _counted(
    found: Iterator[Problem | None], name: str, total: int, report: Reporter
) -> Iterator[Problem | None]:
    """Pass results on, and report progress some two hundred times on the way."""
    every = max(1, total // 200)
    for done, problem in enumerate(found, start=1):
        if done % every == 0 or done == total:
            report(Progressed(f"preparing {name}", done, total))
        yield problem
