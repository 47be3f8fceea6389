"""Parse the photos of a split and count what is right."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from grapy_cli.atomic import file_digest
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.evaluate.counts import DatasetCounts, PhotoCounts
from grapy_cli.evaluate.evaluator import AllCounts, Evaluator, Piece, digest_of
from grapy_cli.evaluate.records import Case
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.stream import (
    OtherWork,
    ParsedPhoto,
    ParseRequest,
    PhotoStream,
    Request,
    in_order,
    threads_for,
)
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.reporting import Progressed, Reporter, silence
from grapy_cli.runtime.world import World


@dataclass(frozen=True)
class ParsingJob:
    """Weights to score on the photos of prepared data sets."""

    parsers: Mapping[tuple[str, str], HumanParser]
    """By the name of the weights and the test-time augmentation."""
    datasets: Mapping[str, PreparedDataset]
    split: str
    protocols: Sequence[str] = ("strict",)
    mask_path: Callable[[Case, str, str], Path] | None = None
    """Where the mask of a case, data set and key is kept; None keeps none."""
    batch: int = 1
    """Most neighbors of one size for the network that are parsed together."""
    spare_memory: bool = False
    """Whether a training run holds most of the GPU's memory."""

    @property
    def label_sets(self) -> dict[str, LabelSet]:
        """By data set."""
        return {name: dataset.label_set for name, dataset in self.datasets.items()}

    def cases(self, who: tuple[str, str]) -> list[Case]:
        """The cases that one parser serves."""
        return [Case(*who, protocol) for protocol in self.protocols]


def score_datasets(
    parser: HumanParser,
    datasets: Mapping[str, PreparedDataset],
    split: str,
    *,
    world: World | None = None,
) -> dict[str, DatasetCounts]:
    """Parse each data set's split with its own head and count.

    Processes take disjoint photos, without padding; each returns the whole count.

    Raises:
        DatasetError: If a data set has no such split.
    """
    job = ParsingJob({("", ""): parser}, datasets, split, spare_memory=True)
    evaluator = Evaluator(dict.fromkeys(job.cases(("", "")), ""), job.label_sets)
    all_counts = score_photos(job, evaluator, world=world or World())
    return {name: totals for (_, name), totals in all_counts.items()}


def score_photos(
    job: ParsingJob,
    evaluator: Evaluator,
    *,
    world: World,
    report: Reporter = silence,
) -> AllCounts:
    """Score all photos of a job. A photo of several label sets goes through the network once.

    Raises:
        DatasetError: If a data set has no such split.
    """
    units = _units(job)[world.rank :: world.size]
    parser = next(iter(job.parsers.values()))
    threads = threads_for(parser, spare_memory=job.spare_memory)
    stream = PhotoStream(partial(_request, job, evaluator), threads, job.batch)
    done = 0
    with (
        closing(in_order(units, partial(_open, job), threads=1, ahead=_UNITS_AHEAD)) as opened,
        closing(stream.run(_turns(job, opened))) as results,
    ):
        for result in results:
            if isinstance(result, _Unit):
                done += 1
                for listed, reason in result.skipped:
                    evaluator.skip(listed.dataset, listed.key, reason)
                report(Progressed(f"scoring {job.split}", done, len(units)))
            else:
                for score in result:
                    evaluator.add(score.case, score.piece, score.counts, is_new=score.is_new)
    return evaluator.share(world)


_UNITS_AHEAD = 2


class _Listed(NamedTuple):
    """A photo in the list of a data set."""

    dataset: str
    key: str
    order: tuple[int, int]
    """Which data set, and which photo of its list."""


class _Photo(NamedTuple):
    """One photo, and the pieces it is in the data sets that have it."""

    path: Path
    pieces: list[Piece]


class _Unit(NamedTuple):
    """The photos that data sets list by one key."""

    photos: list[_Photo]
    skipped: list[tuple[_Listed, str]]
    """What cannot be read, and why."""


class _Turn(NamedTuple):
    photo: _Photo
    who: tuple[str, str]


class _Score(NamedTuple):
    """What a case gets for a photo."""

    case: Case
    piece: Piece
    counts: PhotoCounts | str
    """Or why the photo is skipped."""
    is_new: bool = True
    """Whether no earlier run counted it."""


_Result = list[_Score] | _Unit


def _units(job: ParsingJob) -> list[list[_Listed]]:
    """Group what may be one photo: the key is the same."""
    units: dict[str, list[_Listed]] = {}
    for which, (name, dataset) in enumerate(job.datasets.items()):
        for place, key in enumerate(dataset.keys(job.split)):
            units.setdefault(key, []).append(_Listed(name, key, (which, place)))
    return list(units.values())


def _open(job: ParsingJob, unit: Sequence[_Listed]) -> _Unit:
    """Read the truths of a key, and put together those whose photos have the same bytes."""
    photos: dict[str, _Photo] = {}
    skipped = []
    for listed in unit:
        dataset = job.datasets[listed.dataset]
        try:
            # The truth first: where there is none, as in some test splits, nothing else is read.
            truth = load_label_map(dataset.label_map(listed.key))
            path = dataset.photo(listed.key)
            digest = file_digest(path)
            content = digest_of(digest, file_digest(dataset.label_map(listed.key)))
        except (DatasetError, OSError) as error:
            skipped.append((listed, str(error)))
            continue
        photo = photos.setdefault(digest, _Photo(path, []))
        photo.pieces.append(Piece(*listed, truth, content))
    return _Unit(list(photos.values()), skipped)


def _turns(job: ParsingJob, units: Iterable[_Unit]) -> Iterator[_Turn | _Unit]:
    """Give each photo to each parser; a unit comes after its photos."""
    for unit in units:
        yield from (_Turn(photo, who) for photo in unit.photos for who in job.parsers)
        yield unit


def _request(job: ParsingJob, evaluator: Evaluator, item: _Turn | _Unit) -> Request[_Result]:
    """Ask for the parsings of a photo that no earlier run counted, or whose masks are gone."""
    if isinstance(item, _Unit):
        return OtherWork(lambda: item)
    known: list[_Score] = []
    missing: dict[Piece, list[Case]] = {}
    for piece in item.photo.pieces:
        for case in job.cases(item.who):
            path = job.mask_path and job.mask_path(case, piece.dataset, piece.key)
            counts = None if path and not path.exists() else evaluator.recall(case, piece)
            if counts is None:
                missing.setdefault(piece, []).append(case)
            else:
                known.append(_Score(case, piece, counts, is_new=False))
    if not missing:
        return OtherWork(lambda: known)

    def finish(found: ParsedPhoto | PhotoError) -> list[_Score]:
        return [*known, *_count(job, evaluator, found, missing)]

    datasets = [piece.dataset for piece in missing]
    return ParseRequest(job.parsers[item.who], item.photo.path, datasets, finish)


def _count(
    job: ParsingJob,
    evaluator: Evaluator,
    found: ParsedPhoto | PhotoError,
    missing: Mapping[Piece, Sequence[Case]],
) -> Iterator[_Score]:
    """Count a photo for all pieces and cases, and keep its masks."""
    for piece, cases in missing.items():
        if isinstance(found, PhotoError):
            yield from (_Score(case, piece, found.message) for case in cases)
            continue
        parsing = found.parsings[piece.dataset]
        if job.mask_path:
            parsing.save_mask(job.mask_path(cases[0], piece.dataset, piece.key))
        for case in cases:
            counts = evaluator.count(case, piece, parsing.label_map, parsing.confidence)
            yield _Score(case, piece, counts)
