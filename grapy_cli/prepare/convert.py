"""Convert the samples of a release to those of a prepared data set, several at a time."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from grapy_cli.data.layout import DatasetWriter
from grapy_cli.image_io.archive import Place
from grapy_cli.image_io.label_import import ImportedLabels
from grapy_cli.image_io.label_maps import count_ids
from grapy_cli.labels import IGNORE, LabelSet
from grapy_cli.prepare.check import check_ids, check_photo, read_label
from grapy_cli.prepare.coarse import contradictions, fill_background, read_coarse
from grapy_cli.prepare.finished import Finding
from grapy_cli.prepare.mirrored import Differences, compare_mirrored
from grapy_cli.prepare.problems import BadSample
from grapy_cli.prepare.sources import Source
from grapy_cli.prepare.stock import Entry
from grapy_cli.prepare.turned import fit_label

AHEAD = 4  # samples in work per thread


def convert_sample(entry: Entry, writer: DatasetWriter, source: Source) -> Finding:
    """Check one photo and its label map and write them, unless they are left out."""
    labels = source.label_set
    problems: list[list[str]] = []
    try:
        data = _read(entry.photo, "unreadable-photo")
        photo = check_photo(data)
        if photo.orientation != 1:
            problems.append(["exif-rotated", f"the EXIF orientation is {photo.orientation}"])
        digest = hashlib.blake2b(data, digest_size=12).hexdigest()
        pixels, mirrored = None, None
        size = (photo.height, photo.width)
        coarse = read_coarse(entry.coarse, data, size, photo.orientation)
        if entry.label is None and coarse:
            label_map = fill_background(np.full(size, IGNORE, np.uint8), coarse)
            pixels = _pixels(count_ids(label_map), labels)
            writer.add_label_map(entry.key, label_map, coarse)
        if entry.label is not None:
            imported = _read_label(entry.label, source)
            label_map, turned = fit_label(imported.ids, data, size, photo.orientation)
            problems += [list(remark) for remark in imported.remarks] + turned
            counts = count_ids(label_map)
            check_ids(counts, labels)
            if not counts[1 : labels.num_parts].any():
                _note_empty(entry.label, counts, problems)
            mirrored = _compare_mirrored(entry.mirrored, label_map, source, problems)
            pixels = _pixels(counts, labels)
            problems += contradictions(label_map, coarse, labels)
            writer.add_label_map(entry.key, fill_background(label_map, coarse), coarse)
    except BadSample as bad:
        return Finding(entry.key, [*problems, [bad.problem, bad.message]], left_out=True)
    stored = entry.photo if isinstance(entry.photo, Path) else data
    writer.add_photo(entry.key, stored, entry.photo.suffix)
    differing, by_part = mirrored or (0, {})
    return Finding(
        entry.key,
        problems,
        digest=digest,
        pixels=pixels,
        has_mirrored=mirrored is not None,
        differing=differing,
        mirrored=by_part,
    )


def convert_samples(
    entries: Iterable[Entry], writer: DatasetWriter, source: Source, *, workers: int
) -> Iterator[Finding]:
    """Convert samples in several threads and yield their findings in order.

    Threads are enough, because decoding, lookup, hashing and compression release the GIL. Only a
    few samples are in work at a time, so memory does not grow with their number.
    """
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Finding]] = deque()
    try:
        for entry in entries:
            waiting.append(pool.submit(convert_sample, entry, writer, source))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # after Ctrl-C no further sample starts
        pool.shutdown(cancel_futures=True)


def _read(place: Place, problem: str) -> bytes:
    try:
        return place.read_bytes()
    except OSError as error:
        raise BadSample(problem, str(error)) from error


def _pixels(counts: np.ndarray, labels: LabelSet) -> list[int]:
    """Pixels of each part, then of those that are ignored."""
    return [*counts[: labels.num_parts].tolist(), int(counts[IGNORE])]


def _read_label(place: Place, source: Source) -> ImportedLabels:
    data = _read(place, "unreadable-label")
    return read_label(data, source.colors, source.label_set, place.suffix)


def _note_empty(label: Place, counts: np.ndarray, problems: list[list[str]]) -> None:
    """Note an empty label map; PASCAL-Part annotates photos without people as well."""
    if label.suffix.lower() == ".mat":
        raise BadSample("no-person", "the annotation has no person")
    reason = "the label map shows no part"
    if counts[0] and counts[IGNORE]:
        reason += f"; {counts[IGNORE]} pixels are 255, which is ignored: is it black and white?"
    problems.append(["no-parts", reason])


def _compare_mirrored(
    place: Place | None,
    label_map: UInt8[np.ndarray, "h w"],
    source: Source,
    problems: list[list[str]],
) -> tuple[int, Differences] | None:
    """Compare the release's mirrored annotation, if there is one that can be read."""
    if place is None:
        return None
    try:
        mirrored = _read_label(place, source).ids
        mirrored, _ = fit_label(mirrored, b"", (label_map.shape[0], label_map.shape[1]), 1)
    except BadSample as bad:
        problems.append(["mirrored-unreadable", f"{place}: {bad.message}"])
        return None
    differing, by_part = compare_mirrored(label_map, mirrored, source.label_set)
    if differing:
        share = differing / label_map.size
        problems.append(["mirrored-differs", _differences_in_words(differing, share, by_part)])
    return differing, by_part


def _differences_in_words(differing: int, share: float, by_part: Differences) -> str:
    worst = sorted(by_part.items(), key=lambda row: sum(row[1][:2]) - 2 * row[1][2], reverse=True)
    parts = "; ".join(
        f"{name}: {expected} pixels by mirroring, {has} there, {both} in common"
        for name, (expected, has, both) in worst[:6]
    )
    return f"{differing} pixels ({share:.1%}) of the mirrored annotation differ: {parts}"
