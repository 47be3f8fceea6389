"""`grapy export`: write weights for another engine, and keep the file only if it agrees."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from grapy_cli import __version__
from grapy_cli.errors import SettingsError, WeightsError, install_extra
from grapy_cli.export.equivalence import Agreement, compare, demand
from grapy_cli.export.form import ExportForm, write_onnx
from grapy_cli.export.int8 import Photo, quantize
from grapy_cli.export.openvino_ir import write_openvino
from grapy_cli.image_io.photos import ReadPhoto
from grapy_cli.image_io.sample_photos import draw_photos
from grapy_cli.inference.engines.network import load_exported
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.tta import scaled_photo
from grapy_cli.model.exported.metadata import PRECISION_KEY
from grapy_cli.model.weights import CARD_KEY, WeightsCard, resolve_weights
from grapy_cli.predict.plan import choose_datasets
from grapy_cli.predict.sources import find_photos
from grapy_cli.runtime.device import set_threads
from grapy_cli.runtime.reporting import Progressed, Reporter, Told, Warned
from grapy_cli.settings.settings import Settings

CHECKED = 32
"""Most photos to check, spread evenly over those given."""
SHOWN = 64
"""Most photos for calibration."""


@dataclass(frozen=True)
class Format:
    """A file format."""

    suffix: str
    precisions: tuple[str, ...]
    needs: tuple[str, ...]
    """Packages, all of them in the extra with the name of the format."""


FORMATS: Mapping[str, Format] = {
    "onnx": Format(".onnx", ("fp32", "int8"), ("onnx", "onnxscript", "onnxruntime")),
    "openvino": Format(
        ".xml", ("fp32", "bf16", "int8"), ("onnx", "onnxscript", "onnxruntime", "openvino")
    ),
}


@dataclass(frozen=True)
class Exported:
    """The written file."""

    path: Path
    megabytes: float
    """Size of all its files together, millions of bytes."""
    agreement: Agreement


def run_export(settings: Settings, report: Reporter) -> Exported:
    """Write weights as a file for another engine, and compare it with torch on photos.

    Raises:
        SettingsError: If the format does not support the precision, an extra or photos are missing,
            or the file cannot be written.
        WeightsError: If the weights cannot be read, or the file does not agree with torch.
        DatasetError: If the weights do not know a label set.
        PhotoError: If a photo cannot be read.
    """
    wanted, kind = settings.export, FORMATS[settings.export.format]
    _check_settings(settings, kind)
    set_threads(settings.run.threads)
    parser = HumanParser.load(resolve_weights(settings.infer.weights), device="cpu")
    assert parser.card is not None
    if parser.card.network:
        raise WeightsError(
            f"{parser.card.name} is another network than grapy's, and only those are exported",
            hint="Distill it into one: docs of train.self_training in the README.",
        )
    datasets = choose_datasets(settings.data.dataset or ["all"], parser.datasets)
    out = (wanted.out or Path(parser.card.name)).with_suffix(kind.suffix)
    with _scratch_beside(out) as scratch:
        photos = _photos(wanted.photos, parser, scratch, CHECKED)
        path = scratch / f"network{kind.suffix}"
        report(Told(f"writing {parser.card.name} for {wanted.format}: {', '.join(datasets)}"))
        _write(parser, datasets, path, settings)
        network, _ = load_exported(path, parser.device, wanted.precision)

        def told(done: int) -> None:
            report(Progressed("checking on photos", done, len(photos)))

        agreement = compare(parser, network, photos, told)
        demand(agreement, wanted.precision, wanted.agreement)
        written = sorted(scratch.glob(f"{path.stem}.*"))  # .bin before .xml
        size = sum(file.stat().st_size for file in written) / 1e6
        for file in written:
            file.replace(out.with_suffix(file.suffix))
    if wanted.photos is None:
        report(Warned("checked on made-up photos; use --photos to check on photos of people"))
    return Exported(out, size, agreement)


def _write(parser: HumanParser, datasets: Sequence[str], path: Path, settings: Settings) -> None:
    wanted = settings.export
    metadata = {
        CARD_KEY: _card(parser, datasets, settings).model_dump_json(),
        PRECISION_KEY: wanted.precision,
    }
    first = path.with_name("first.onnx") if path.suffix != ".onnx" else path
    write_onnx(ExportForm(parser.network, datasets), first, metadata)  # type: ignore[arg-type]
    if wanted.precision == "int8":
        shown = _photos(wanted.calibrate, parser, path.parent, SHOWN)
        quantize(first, [_seen(photo, parser) for photo in shown])
    if first != path:
        write_openvino(first, path, metadata)


def _card(parser: HumanParser, datasets: Sequence[str], settings: Settings) -> WeightsCard:
    """Return the card of the weights, with the label sets and the origin of the file."""
    card, wanted = parser.card, settings.export
    assert card is not None
    story = f"Exported by grapy {__version__} for {wanted.format} in {wanted.precision}."
    return card.model_copy(
        update={
            "label_sets": [parser.network.label_sets[name].to_dict() for name in datasets],
            "provenance": f"{card.provenance} {story}".strip(),
        }
    )


def _seen(photo: ReadPhoto, parser: HumanParser) -> Photo:
    """Resize a photo as the network gets it, channels first."""
    scaled = scaled_photo(photo.pixels, parser.size_of(photo), 1.0, parser.grid)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def _photos(folder: Path | None, parser: HumanParser, scratch: Path, most: int) -> list[ReadPhoto]:
    if folder is None:
        folder = scratch / "drawn"
        folder.mkdir()
        draw_photos(folder)
    found = find_photos([str(folder)], leave_out=scratch / "masks")
    return [parser.read(photo.source) for photo in found[:: -(-len(found) // most)]]


def _check_settings(settings: Settings, kind: Format) -> None:
    wanted = settings.export
    if wanted.precision not in kind.precisions:
        raise SettingsError(
            f"{wanted.format} does not support {wanted.precision} on the CPU",
            hint=f"It supports {', '.join(kind.precisions)}; openvino supports all.",
        )
    if missing := [name for name in kind.needs if not find_spec(name)]:
        raise SettingsError(
            f"the export to {wanted.format} lacks {', '.join(missing)}",
            hint=install_extra(wanted.format),
        )
    if wanted.precision != "fp32" and wanted.photos is None:
        raise SettingsError(
            f"{wanted.precision} changes some pixels, which only real photos show",
            hint="Use a folder of photos: --photos photos/.",
        )
    if wanted.precision == "int8" and wanted.calibrate is None:
        raise SettingsError(
            "int8 needs photos to measure the range of each value",
            hint="Use a folder of photos, not those of --photos: --calibrate photos/.",
        )


@contextmanager
def _scratch_beside(out: Path) -> Iterator[Path]:
    """Yield a temporary folder on the disk of the output file; it is deleted afterwards."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".grapy-export-", dir=out.parent) as scratch:
            yield Path(scratch)
    except OSError as error:
        raise SettingsError(f"{out} cannot be written: {error}") from error
