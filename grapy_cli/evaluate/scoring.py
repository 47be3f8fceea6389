"""Parsing the photos of a split and counting what was right."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grapy_cli.atomic import file_digest
from grapy_cli.data.layout import PreparedDataset
from grapy_cli.errors import DatasetError, PhotoError
from grapy_cli.evaluate.counts import DatasetCounts
from grapy_cli.evaluate.evaluator import AllCounts, Evaluator, Piece, digest_of
from grapy_cli.evaluate.records import Case
from grapy_cli.image_io.label_maps import load_label_map
from grapy_cli.image_io.photos import read_photo
from grapy_cli.inference.parser import HumanParser
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.reporting import Progressed, Reporter
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

    Processes take disjoint photos, without padding; each gets the whole count.

    Raises:
        DatasetError: If a data set has no such split.
    """
    job = ParsingJob({("", ""): parser}, datasets, split)
    book = Evaluator(dict.fromkeys(job.cases(("", "")), ""), job.label_sets)
    all_counts = score_photos(job, book, world=world or World())
    return {name: totals for (_, name), totals in all_counts.items()}


def score_photos(
    job: ParsingJob,
    book: Evaluator,
    *,
    world: World,
    report: Reporter = lambda event: None,
) -> AllCounts:
    """Score all photos of a job; what label sets share of a photo is computed once.

    Raises:
        DatasetError: If a data set has no such split.
    """
    units = _units(job)[world.rank :: world.size]
    for done, unit in enumerate(units, 1):
        for photo in _photos(job, book, unit):
            _score_photo(job, book, photo)
        report(Progressed(f"scoring {job.split}", done, len(units)))
    return book.share(world)


_Unit = list[tuple[str, str, tuple[int, int]]]
"""Data set, key and order of what may be one photo: the key is the same."""


@dataclass(frozen=True)
class _Photo:
    """One photo, and the pieces it is in the data sets that have it."""

    path: Path
    pieces: list[Piece]


def _units(job: ParsingJob) -> list[_Unit]:
    units: dict[str, _Unit] = {}
    for which, (name, dataset) in enumerate(job.datasets.items()):
        for place, key in enumerate(dataset.keys(job.split)):
            units.setdefault(key, []).append((name, key, (which, place)))
    return list(units.values())


def _photos(job: ParsingJob, book: Evaluator, unit: _Unit) -> Iterator[_Photo]:
    """Read the truths of a key, and put together those whose photos have the same bytes."""
    photos: dict[str, _Photo] = {}
    for name, key, order in unit:
        dataset = job.datasets[name]
        try:
            # The truth first: where there is none, as in some test splits, nothing else is read.
            truth = load_label_map(dataset.label_map(key))
            path = dataset.photo(key)
            digest = file_digest(path)
            content = digest_of(digest, file_digest(dataset.label_map(key)))
        except (DatasetError, OSError) as error:
            book.skip(name, key, str(error))
            continue
        photo = photos.setdefault(digest, _Photo(path, []))
        photo.pieces.append(Piece(name, key, order, truth, content))
    yield from photos.values()


def _score_photo(job: ParsingJob, book: Evaluator, photo: _Photo) -> None:
    """Score one photo by all label sets that have it, with one pass of each parser."""
    pixels = None
    for who, parser in job.parsers.items():
        left = {piece: _left(job, book, who, piece) for piece in photo.pieces}
        left = {piece: cases for piece, cases in left.items() if cases}
        if not left:
            continue
        try:
            pixels = read_photo(photo.path) if pixels is None else pixels
        except PhotoError as error:
            for piece, cases in left.items():
                book.skip(piece.dataset, piece.key, error.message, cases)
            continue
        parsings = parser.parse_all(pixels, [piece.dataset for piece in left])
        for piece, cases in left.items():
            parsing = parsings[piece.dataset]
            if job.mask_path:
                parsing.save_mask(job.mask_path(cases[0], piece.dataset, piece.key))
            for case in cases:
                book.add(case, piece, parsing.label_map, parsing.confidence)


def _left(job: ParsingJob, book: Evaluator, who: tuple[str, str], piece: Piece) -> list[Case]:
    """The cases of a parser that no earlier run has scored."""
    cases = job.cases(who)
    if job.mask_path and not job.mask_path(cases[0], piece.dataset, piece.key).exists():
        return cases
    return [case for case in cases if not book.recall(case, piece)]
