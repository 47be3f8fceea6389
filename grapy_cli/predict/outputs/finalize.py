"""Files about all photos of a run, written at its end from the results of each photo."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from grapy_cli.errors import SettingsError
from grapy_cli.predict.outputs.coco import write_coco
from grapy_cli.predict.outputs.gallery import write_gallery
from grapy_cli.predict.outputs.kinds import THUMBNAILS, Kind, Row
from grapy_cli.predict.outputs.sheet import SHEET, write_sheet


def finish(
    out: Path,
    kinds: Sequence[Kind],
    rows: Iterable[Row],
    failures: Iterable[Row],
    *,
    gallery: bool = False,
    sheet: bool = False,
) -> list[Path]:
    """Write coco.json where there are polygons, and gallery and contact sheet where asked for.

    Everything comes from the manifest and the files it names, so it is whole after a run that went
    on or was done in parts, and few photos are in memory at a time.

    Args:
        rows: Of the manifest; read several times, so no iterator.
        failures: Rows of the photos that failed, with `source` and `reason`.
        gallery: Whether to write it; the kinds then hold thumbnails.
        sheet: Whether to write the contact sheet; the same.
    """
    files = [write_coco(kind, out, rows) for kind in kinds if kind.save == "polygons"]
    if gallery:
        files += write_gallery(out, kinds, rows, failures)
    if sheet:
        files.append(write_sheet(out, kinds, rows))
    return files


def spare_names(names: Iterable[PurePosixPath], kinds: Sequence[Kind], out: Path) -> None:
    """Make sure that the contact sheet, where it may be written, takes no result's place.

    Raises:
        SettingsError: If a photo is called like it.
    """
    if not any(kind.save in THUMBNAILS for kind in kinds):
        return
    for name in names:
        if str(name.with_suffix("")).casefold() == Path(SHEET).stem:
            raise SettingsError(
                f"{out / SHEET} would be the result of a photo and that of all of them",
                hint="Rename the photo, or leave out --gallery and --contact-sheet.",
            )
