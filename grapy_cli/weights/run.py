"""`grapy weights info --page`: the card as a page, with photos that the weights parse."""

from dataclasses import replace
from pathlib import Path

from grapy_cli.atomic import write_text
from grapy_cli.errors import PhotoError
from grapy_cli.inference.build import load_parser
from grapy_cli.model.weights import read_card, resolve_weights
from grapy_cli.predict.events import PhotoRejected
from grapy_cli.predict.sources import find_photos
from grapy_cli.runtime.reporting import Progressed, Reporter
from grapy_cli.settings.settings import Settings
from grapy_cli.weights.card_photos import Album, parse_card_photos
from grapy_cli.weights.page import render_card


def write_card_page(
    weights: Path | None,
    out: Path,
    photos: str | None,
    settings: Settings,
    reporter: Reporter,
) -> int:
    """Write the page, and say how many photos failed.

    Args:
        weights: A weights file or run folder; by default the embedded one.
        photos: A photo, a folder, or another source of photos; None for a page without photos.
        reporter: Gets the progress, and photos that cannot be read.

    Raises:
        SettingsError: If no photo is found.
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent.
        PhotoError: If the page cannot be written.
    """
    path = resolve_weights(weights)
    card = read_card(path)
    failed: list[tuple[str, str]] = []
    album = Album()
    if photos is not None:
        found = [it for it in find_photos([photos], leave_out=out) if not it.is_video]
        parser = replace(load_parser(settings, weights=path), reduced_jpeg=False)
        for done, (photo, parsed) in enumerate(parse_card_photos(parser, found), 1):
            if isinstance(parsed, PhotoError):
                failed.append((str(photo), parsed.message))
                reporter(PhotoRejected(str(photo), parsed.message))
            else:
                album.add(parsed)
            reporter(Progressed("parsing photos", done, len(found)))
    try:
        write_text(out, render_card(card, album if photos else None, failed))
    except OSError as error:
        raise PhotoError(f"the page {out} cannot be written: {error}") from error
    return len(failed)
