"""`grapy predict`: photos in, masks out."""

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.labels import label_set
from grapy_cli.predict.events import PhotoParsed, PhotoRejected
from grapy_cli.predict.outputs import OUTPUTS, Kind, plan_kinds
from grapy_cli.predict.parser import HumanParser, read_photo
from grapy_cli.predict.parsing import Parsing
from grapy_cli.predict.sources import FoundPhoto, find_photos, name_masks
from grapy_cli.runtime.device import set_threads
from grapy_cli.runtime.reporting import Progressed, Reporter, Told
from grapy_cli.settings.settings import Settings

MANIFEST = "manifest.jsonl"
FAILURES = "failures.jsonl"


@dataclass(frozen=True)
class PredictSummary:
    """What came of the photos."""

    parsed: int
    failed: int


def run_predict(sources: Sequence[str], settings: Settings, reporter: Reporter) -> PredictSummary:
    """Parse photos and write what was asked for, each photo by itself: a broken one is reported.

    Raises:
        SettingsError: If a source is not there.
        WeightsError: If the weights cannot be read.
        DatasetError: If the weights do not know a label set.
        DeviceError: If the device is absent or out of memory.
        PhotoError: If results cannot be written at all.
    """
    out = settings.predict.out
    photos = find_photos(sources, leave_out=out)
    set_threads(settings.run.threads)
    parser = HumanParser.load(
        settings.infer.weights,
        device=settings.run.device,
        tta=settings.infer.tta,
        longest_side=settings.infer.longest_side,
    )
    datasets = _datasets(settings.data.dataset, parser)
    reporter(Told(_introduce(parser, settings.infer.weights)))
    kinds = plan_kinds(datasets, settings.predict.levels, settings.predict.save)
    job = _Job(parser, datasets, kinds, out, settings.predict.overlay_alpha)
    try:
        return _parse_photos(job, photos, reporter)
    except OSError as error:
        raise PhotoError(
            f"results cannot be written to {out}: {error}",
            hint="What was written before is whole and stays.",
        ) from error


@dataclass(frozen=True)
class _Job:
    parser: HumanParser
    datasets: Sequence[str]
    kinds: Sequence[Kind]
    out: Path
    alpha: float

    def parse(self, photo: FoundPhoto, name: PurePosixPath) -> dict[str, Any]:
        """Parse one photo, write its results, and return its row of the manifest."""
        begun = time.perf_counter()
        parsings = self.parser.parse_all(read_photo(photo.source), self.datasets)
        files = [self._write(parsings[kind.dataset], kind, name) for kind in self.kinds]
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

    def _write(self, parsing: Parsing, kind: Kind, name: PurePosixPath) -> str:
        path = kind.path(self.out, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        OUTPUTS[kind.save].write(parsing, path, kind.level, self.alpha)
        return path.relative_to(self.out).as_posix()


def _parse_photos(job: _Job, photos: Sequence[FoundPhoto], reporter: Reporter) -> PredictSummary:
    job.out.mkdir(parents=True, exist_ok=True)
    (job.out / FAILURES).unlink(missing_ok=True)  # of an earlier run
    failed = 0
    with ExitStack() as files:
        manifest = files.enter_context((job.out / MANIFEST).open("w", encoding="utf-8"))
        for done, (photo, name) in enumerate(zip(photos, name_masks(photos), strict=True), 1):
            try:
                row = job.parse(photo, name)
            except PhotoError as error:
                failed += 1
                reporter(PhotoRejected(str(photo), error.message))
                with (job.out / FAILURES).open("a", encoding="utf-8") as failures:
                    _write_row(failures, {"source": str(photo), "reason": error.message})
            else:
                _write_row(manifest, row)
                reporter(PhotoParsed(str(photo), tuple(row["files"]), row["seconds"]))
            reporter(Progressed("parsing photos", done, len(photos)))
    return PredictSummary(len(photos) - failed, failed)


def _write_row(file: TextIO, row: dict[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    file.flush()  # a run that is killed leaves a manifest of what it did


def _datasets(named: Sequence[str], parser: HumanParser) -> list[str]:
    """The label sets asked for; all of them, or the only one there is."""
    if "all" in named or (not named and len(parser.datasets) == 1):
        return list(parser.datasets)
    if not named:
        raise DatasetError(
            "say by which label set the photos are to be parsed",
            hint=f"--dataset {parser.datasets[0]}" if parser.datasets else "",
        )
    names = [label_set(name).name if name.endswith(".toml") else name for name in named]
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
