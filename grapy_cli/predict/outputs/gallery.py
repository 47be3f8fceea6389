"""`gallery.html`: all photos of a run on a page, in one file."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import Image

from grapy_cli.atomic import replacing
from grapy_cli.html.charts import LEAST_SHOWN
from grapy_cli.html.pages import render
from grapy_cli.html.pictures import data_url
from grapy_cli.predict.outputs.kinds import Kind, Row
from grapy_cli.predict.outputs.ranking import first_to_look_at
from grapy_cli.safe_text import spelled

GALLERY = "gallery.html"
PER_PAGE = 300
"""Photos of a page, about 20 MB. Further photos go to gallery-2.html and so on."""
MOST = 3000
"""Photos of all pages; a longer run shows those most worth a look."""
MOST_FAILURES = 1000


def write_gallery(
    out: Path, kinds: Sequence[Kind], rows: Iterable[Row], failures: Iterable[Row]
) -> list[Path]:
    """Write the gallery from the thumbnails of the photos, and return its pages.

    Args:
        kinds: Include thumbnails.
        rows: Rows of the manifest; they are read twice.
        failures: Rows with `source` and `reason`.
    """
    chosen = first_to_look_at(rows, MOST)
    count = sum(1 for _ in rows)
    failed = [(spelled(row["source"]), spelled(row["reason"])) for row in failures]
    parts = [chosen[start : start + PER_PAGE] for start in range(0, len(chosen), PER_PAGE)] or [[]]
    paths = [out / _name(number) for number in range(1, len(parts) + 1)]
    for path, part in zip(paths, parts, strict=True):
        text = render(
            "gallery.html",
            shown=len(chosen),
            count=count,
            failures=len(failed),
            pages=[it.name for it in paths],
            own=path.name,
            photos=[photo for row in part if (photo := _photo(out, kinds, row))],
            sets=_nodes(kinds),
            by_doubt=all(row.get("doubt") is not None for row in part),
            failed=failed if path == paths[-1] else [],
            most_failed=MOST_FAILURES,
        )
        with replacing(path) as beside:  # file names that are not valid text get question marks
            beside.write_text(text, encoding="utf-8", errors="replace")
    _remove_rest(out, len(paths))
    return paths


def _name(number: int) -> str:
    return GALLERY if number == 1 else f"gallery-{number}.html"


def _nodes(kinds: Sequence[Kind]) -> dict[str, list[dict[str, Any]]]:
    """Return name and color of each id, by label set; the background is first."""
    return {
        kind.labels.name: [{"name": node.name, "color": node.color} for node in kind.view.nodes]
        for kind in kinds
        if kind.save == "small-mask"
    }


def _photo(out: Path, kinds: Sequence[Kind], row: Row) -> dict[str, Any] | None:
    """Return a photo with its pictures as data URLs, or None if they were deleted.

    `about` is what the page's script reads; its doubt is None if it was not measured.
    """
    masks, photos = {}, []
    for kind in kinds:
        for file in kind.files_of(row):
            if kind.save == "small-mask":
                masks[kind.labels.name] = out / file
            elif kind.save == "small-photo":
                photos.append(out / file)
    if not photos or not all(path.exists() for path in (*photos, *masks.values())):
        return None
    source = spelled(row["source"])
    return {
        "source": source,
        "name": spelled(PurePath(row["source"]).name),
        "photo": data_url("jpeg", photos[0].read_bytes()),
        "masks": {name: data_url("png", path.read_bytes()) for name, path in masks.items()},
        "about": {
            "source": source,
            "parts": {name: _ids(path) for name, path in masks.items()},
            "confidence": row["confidence"],
            "doubt": row.get("doubt"),
        },
    }


def _ids(mask: Path) -> list[int]:
    with Image.open(mask) as picture:
        ids, counts = np.unique(np.asarray(picture), return_counts=True)
    least = LEAST_SHOWN * counts.sum()
    return [int(part) for part, count in zip(ids, counts, strict=True) if part and count >= least]


def _remove_rest(out: Path, pages: int) -> None:
    """Delete the further pages of an earlier, longer gallery."""
    number = pages + 1
    while (path := out / _name(number)).exists():
        path.unlink()
        number += 1
