"""From the samples of a release to those of a prepared data set, several at a time."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from grapy_cli.data.layout import DatasetWriter, Problem
from grapy_cli.errors import DatasetError
from grapy_cli.labels.label_set import Color
from grapy_cli.prepare.check import check_ids, photo_size, read_label
from grapy_cli.prepare.release import Entry


def convert_sample(
    entry: Entry, writer: DatasetWriter, colors: Mapping[Color, int]
) -> Problem | None:
    """Check one photo and its label map and write them, unless they are rejected."""
    odd = ""
    try:
        size = photo_size(entry.photo)
        if entry.label is not None:
            label_map = read_label(entry.label, colors)
            if label_map.shape != size:
                raise DatasetError(
                    "photo and label map differ in size: "
                    f"{_size_in_words(size)} and {_size_in_words(label_map.shape)}"
                )
            odd = check_ids(label_map, writer.label_set)
            writer.add_label_map(entry.key, label_map)
    except DatasetError as error:
        return Problem("rejected", entry.split, entry.key, error.message)
    writer.add_photo(entry.key, entry.photo)
    return Problem("warning", entry.split, entry.key, odd) if odd else None


def convert_samples(
    entries: Iterable[Entry], writer: DatasetWriter, colors: Mapping[Color, int], *, workers: int
) -> Iterator[Problem | None]:
    """Convert samples on several threads and yield what is wrong with each, in order.

    Threads are enough: decoding, lookup and compression all release the interpreter's lock.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        yield from pool.map(lambda entry: convert_sample(entry, writer, colors), entries)
    finally:  # on Ctrl-C what has not begun does not begin
        pool.shutdown(cancel_futures=True)


def _size_in_words(size: tuple[int, ...]) -> str:
    height, width = size
    return f"{width} x {height}"
