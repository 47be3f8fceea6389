"""`gallery.html`: all photos of a run on a page to look through, in one file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.html import grid
from grapy_cli.html.elements import page, table, tiles
from grapy_cli.html.grid import Shown
from grapy_cli.html.pictures import address
from grapy_cli.predict.outputs.kinds import Kind
from grapy_cli.predict.outputs.ranking import first_to_look_at
from grapy_cli.safe_text import spelled

GALLERY = "gallery.html"
PER_PAGE = 300
"""Photos of a page: some 20 MB. Further ones go to gallery-2.html and so on."""
MOST = 3000
"""Photos of all pages; of a longer run those to look at first."""
MOST_FAILURES = 1000

Row = Mapping[str, Any]


def write_gallery(
    out: Path, kinds: Sequence[Kind], rows: Iterable[Row], failures: Iterable[Row]
) -> list[Path]:
    """Write the gallery from the thumbnails of the photos, and return its pages.

    Args:
        out: The output folder.
        kinds: Hold thumbnails.
        rows: Of the manifest; read twice.
        failures: Rows with `source` and `reason`.
    """
    chosen = first_to_look_at(rows, MOST)
    count = sum(1 for _ in rows)
    failed = list(failures)
    parts = [chosen[start : start + PER_PAGE] for start in range(0, len(chosen), PER_PAGE)] or [[]]
    paths = [out / _name(number) for number in range(1, len(parts) + 1)]
    for path, part in zip(paths, parts, strict=True):
        body = [*_head(paths, path, (len(chosen), count, len(failed)))]
        body += grid.grid(
            (photo for row in part if (photo := _shown(out, kinds, row))),
            {kind.labels.name: kind.view.nodes for kind in kinds if kind.save == "small-mask"},
            by_doubt=all(_doubt(row) is not None for row in part),
        )
        if path == paths[-1]:
            body += _failures(failed)
        text = page("Parsed photos", body, style=grid.STYLE, script=grid.SCRIPT)
        with replacing(path) as beside:  # names of files that are no text become question marks
            beside.write_text(text, encoding="utf-8", errors="replace")
    _remove_rest(out, len(paths))
    return paths


def _name(number: int) -> str:
    return GALLERY if number == 1 else f"gallery-{number}.html"


def _head(paths: Sequence[Path], own: Path, counts: tuple[int, int, int]) -> Iterator[str]:
    shown, count, failed = counts
    yield "<h1>Parsed photos</h1>"
    yield tiles([("photos", f"{count:,}"), ("failed", f"{failed:,}")])
    if shown < count:
        yield f'<p class="soft">The {shown:,} to look at first are shown.</p>'
    if len(paths) > 1:
        links = (
            f"<b>{number}</b>" if path == own else f'<a href="{path.name}">{number}</a>'
            for number, path in enumerate(paths, 1)
        )
        yield f"<p>Pages {' '.join(links)}, those to look at first in front.</p>"


def _shown(out: Path, kinds: Sequence[Kind], row: Row) -> Shown | None:
    """A photo with its pictures; none where they were deleted."""
    files = {(kind.save, kind.labels.name): kind.files_of(row) for kind in kinds}
    masks = {
        name: out / f
        for (save, name), found in files.items()
        if save == "small-mask"
        for f in found
    }
    photos = [out / f for (save, _), found in files.items() if save == "small-photo" for f in found]
    if not photos or not all(path.exists() for path in (*photos, *masks.values())):
        return None
    return Shown(
        source=spelled(row["source"]),
        photo=address("jpeg", photos[0].read_bytes()),
        masks={name: address("png", path.read_bytes()) for name, path in masks.items()},
        parts={name: _ids(path) for name, path in masks.items()},
        confidence=row["confidence"],
        doubt=_doubt(row),
    )


def _ids(mask: Path) -> list[int]:
    with Image.open(mask) as picture:
        return [int(part) for part in np.unique(np.asarray(picture)) if part]


def _doubt(row: Row) -> float | None:
    doubt = row.get("doubt")
    return float(doubt) if isinstance(doubt, int | float) else None


def _failures(failed: Sequence[Row]) -> Iterator[str]:
    if not failed:
        return
    yield "<h2>Failed</h2>"
    if len(failed) > MOST_FAILURES:
        yield f'<p class="soft">The first {MOST_FAILURES:,}; all stand in failures.jsonl.</p>'
    some = failed[:MOST_FAILURES]
    yield table(
        ["photo", "reason"], [(spelled(row["source"]), spelled(row["reason"])) for row in some]
    )


def _remove_rest(out: Path, pages: int) -> None:
    """Delete the further pages of an earlier, longer gallery."""
    number = pages + 1
    while (path := out / _name(number)).exists():
        path.unlink()
        number += 1
