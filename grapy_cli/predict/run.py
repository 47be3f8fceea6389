"""`grapy predict`: photos in, masks out."""

import errno
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TextIO

from grapy_cli.errors import DatasetError, PhotoError, SettingsError
from grapy_cli.labels import dataset_name
from grapy_cli.predict.closing import finish, spare_names
from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.predict.outputs import Kind, plan_kinds
from grapy_cli.predict.parser import HumanParser
from grapy_cli.predict.parsing import Parsing
from grapy_cli.predict.photos import read_photo
from grapy_cli.predict.sources import FoundPhoto, find_photos, name_masks
from grapy_cli.runtime.device import set_threads
from grapy_cli.runtime.reporting import Progressed, Reporter, Told
from grapy_cli.settings.settings import Settings

MANIFEST = "manifest.jsonl"
FAILURES = "failures.jsonl"

# A name no file system takes, or a file where a folder must be: no other photo is concerned.
_OF_ONE_PHOTO = {errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EINVAL}


@dataclass(frozen=True)
class PredictSummary:
    """What came of the photos."""

    parsed: int
    failed: int


def run_predict(sources: Sequence[str], settings: Settings, reporter: Reporter) -> PredictSummary:
    """Parse photos and write what was asked for, each photo by itself: a broken one is reported.

    Raises:
        SettingsError: If a source is not there, or a mask would take the place of a photo.
        WeightsError: If the weights cannot be read.
        DatasetError: If the weights do not know a label set.
        DeviceError: If the device is absent or out of memory.
        PhotoError: If results cannot be written at all.
    """
    out = settings.predict.out
    photos = find_photos(sources, leave_out=out)
    parser = load_parser(settings)
    datasets = _datasets(settings.data.dataset, parser)
    reporter(Told(_introduce(parser, settings.infer.weights)))
    options = settings.predict
    kinds = plan_kinds(
        [parser.network.label_sets[name] for name in datasets],
        options.levels,
        options.save,
        only=options.only,
        remap=options.remap,
        alpha=options.overlay_alpha,
        thumbnails=options.gallery or options.contact_sheet,
    )
    job = _Job(parser, datasets, kinds, out)
    work = list(zip(photos, name_masks(photos), strict=True))
    _spare_photos(job, work)
    spare_names([name for _, name in work], kinds, out)
    try:
        summary = _parse_photos(job, work, reporter)
        rows, failures = _read_rows(out / MANIFEST), _read_rows(out / FAILURES)
        whole = {"gallery": options.gallery, "sheet": options.contact_sheet}
        for path in finish(out, kinds, rows, failures, **whole):
            reporter(Told(f"wrote {path}"))
        return summary
    except OSError as error:
        raise PhotoError(
            f"results cannot be written to {out}: {error}",
            hint="What was written before is whole and stays.",
        ) from error


def load_parser(settings: Settings) -> HumanParser:
    """Load the parser that settings describe.

    Raises:
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent.
    """
    set_threads(settings.run.threads)
    return HumanParser.load(
        settings.infer.weights,
        device=settings.run.device,
        tta=settings.infer.tta,
        longest_side=settings.infer.longest_side,
    )


@dataclass(frozen=True)
class _Job:
    parser: HumanParser
    datasets: Sequence[str]
    kinds: Sequence[Kind]
    out: Path

    def parse(self, photo: FoundPhoto, name: PurePosixPath) -> dict[str, Any]:
        """Parse one photo, write its results, and return its row of the manifest."""
        begun = time.perf_counter()
        parsings = self.parser.parse_all(read_photo(photo.source), self.datasets)
        files = [file for kind in self.kinds for file in self._write(parsings, kind, name)]
        height, width = next(iter(parsings.values())).label_map.shape
        return {
            "source": str(photo),
            "files": files,
            "width": width,
            "height": height,
            "shares": {name: parsing.shares for name, parsing in parsings.items()},
            "confidence": {
                name: round(float(parsing.confidence.mean()), 4)
                for name, parsing in parsings.items()
            },
            "seconds": round(time.perf_counter() - begun, 4),
        }

    def _write(self, parsings: Mapping[str, Parsing], kind: Kind, name: PurePosixPath) -> list[str]:
        try:
            return kind.write(parsings, self.out, name)
        except OSError as error:
            if error.errno in _OF_ONE_PHOTO:
                path = kind.paths(self.out, name)[0]
                raise PhotoError(f"{path} cannot be written: {error.strerror}") from error
            raise


def _spare_photos(job: _Job, work: Sequence[tuple[FoundPhoto, PurePosixPath]]) -> None:
    """Make sure that no result takes the place of a photo."""
    photos = {_file_id(photo.source) for photo, _ in work if isinstance(photo.source, Path)}
    for photo, name in work:
        for path in (path for kind in job.kinds for path in kind.paths(job.out, name)):
            if (file_id := _file_id(path)) and file_id in photos:
                raise SettingsError(
                    f"a result of {photo} would take the place of the photo {path}",
                    hint="Name another folder by --out.",
                )


def _file_id(path: Path) -> tuple[int, int] | None:
    """What two names of one file share, also where upper and lower case are the same."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _parse_photos(
    job: _Job, work: Sequence[tuple[FoundPhoto, PurePosixPath]], reporter: Reporter
) -> PredictSummary:
    job.out.mkdir(parents=True, exist_ok=True)
    (job.out / FAILURES).unlink(missing_ok=True)  # of an earlier run
    failed = 0
    with _open_rows(job.out / MANIFEST, "w") as manifest:
        for done, (photo, name) in enumerate(work, 1):
            try:
                row = job.parse(photo, name)
            except PhotoError as error:
                failed += 1
                reporter(PhotoRejected(str(photo), error.message))
                with _open_rows(job.out / FAILURES, "a") as failures:
                    _write_row(failures, {"source": str(photo), "reason": error.message})
            else:
                _write_row(manifest, row)
                reporter(PhotoParsed(str(photo), tuple(row["files"]), row["seconds"]))
            reporter(Progressed("parsing photos", done, len(work)))
    return PredictSummary(len(work) - failed, failed)


def _open_rows(path: Path, mode: Literal["w", "a"]) -> TextIO:
    """Open a file of JSON rows; bytes of file names that are no text become JSON's own escapes."""
    return path.open(mode, encoding="utf-8", errors="backslashreplace")


def _read_rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write_row(file: TextIO, row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    file.flush()  # a run that is killed leaves a manifest of what it did


def _datasets(named: Sequence[str], parser: HumanParser) -> list[str]:
    """The label sets asked for; all of them, or the only one there is."""
    if not parser.datasets:
        raise DatasetError("the weights know no label set: they are for --init alone")
    if "all" in named or (not named and len(parser.datasets) == 1):
        return list(parser.datasets)
    if not named:
        raise DatasetError(
            "say by which label set the photos are to be parsed",
            hint=f"--dataset {parser.datasets[0]}, or --dataset all",
        )
    names = [dataset_name(name) for name in named]
    parser.check_datasets(names)
    return names


def _introduce(parser: HumanParser, weights: Path | None) -> str:
    name = parser.card.name if parser.card else "?"
    if weights is not None:
        return f"weights {weights} ({name})"
    return (
        f"weights {name}, embedded: small, trained on street photos of one adult. "
        "Larger ones are trained by `grapy train` or taken over by `grapy weights import`."
    )
